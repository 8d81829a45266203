"""The files of the project, as the rules see them."""
import functools
import pathlib
import subprocess

CXX = (".h", ".cc")


class Tree:
    """What git knows or would add under `root`; without git, all but what is built or installed."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self._texts = {}

    @functools.cached_property
    def paths(self):
        """Relative paths with forward slashes, sorted."""
        if (self.root / ".git").exists():
            command = ["git", "-C", self.root, "ls-files", "-z", "-co", "--exclude-standard"]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            listing = run.stdout.split("\0")
            return sorted(path for path in set(listing) if path and (self.root / path).is_file())
        skipped = {"build", "node_modules", "__pycache__"}
        files = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in files if not skipped.intersection(path.parts))

    def under(self, *folders, suffixes=CXX):
        """The paths in these folders with these suffixes."""
        prefixes = tuple(folder + "/" for folder in folders)
        inside = (path for path in self.paths if path.startswith(prefixes))
        return [path for path in inside if path.endswith(tuple(suffixes))]

    def text(self, path):
        """A file's text; "" for a binary one."""
        if path not in self._texts:
            try:
                self._texts[path] = (self.root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                self._texts[path] = ""
        return self._texts[path]

    def exists(self, path):
        return (self.root / path).is_file()
