"""Every rule finds what it is for, in a small tree that has it, and nothing in one that doesn't."""
import json
import pathlib
import shutil
import tempfile
import unittest

import clang
import cxx
import documents
import layers
import sizes
import wrap_comments
from tree import Tree

LAYERS = """# a comment
0 base:
1 model: base
2 broker: base model
3 broker/memory: base model broker
3 hub: base model broker
"""


class TreeTest(unittest.TestCase):
    def tree(self, files):
        root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, root)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return Tree(root)


class LayersTest(TreeTest):
    def check(self, files):
        folders = layers.read_layers(LAYERS)
        contracts = {f"src/{folder}/{folder.rpartition('/')[2]}.h": "" for folder in folders}
        return layers.check_layers(self.tree({"src/LAYERS": LAYERS, **contracts, **files}))

    def test_arrows_down_are_fine(self):
        self.assertEqual(self.check({
            "src/hub/hub.cc": '#include "hub/hub.h"\n#include "broker/broker.h"\n',
            "src/hub/publish.cc": '#include "base/clock.h"\n',
            "src/base/clock.h": "#include <chrono>\n",
            "src/broker/memory/memory.cc": '#include "broker/broker.h"\n',
        }), [])

    def test_an_arrow_up_is_found(self):
        self.assertEqual(self.check({"src/model/model.cc": '\n#include "hub/hub.h"\n'}),
                         ["src/model/model.cc:2: src/LAYERS: model may not include hub"])

    def test_a_nested_folder_is_not_its_parent(self):
        self.assertEqual(self.check({"src/hub/hub.cc": '#include "broker/memory/memory.h"\n'}),
                         ["src/hub/hub.cc:1: src/LAYERS: hub may not include broker/memory"])

    def test_a_header_inside_another_folder_is_found(self):
        include = '#include "broker/queue.h"\n'
        findings = self.check({"src/hub/hub.cc": include, "src/broker/queue.h": ""})
        self.assertEqual(findings, [
            'src/hub/hub.cc:1: "broker/queue.h" is internal to broker; '
            'from another folder include "broker/broker.h"'])

    def test_a_test_may_look_up_but_not_inside(self):
        up, inside = '#include "broker/memory/memory.h"\n', '#include "broker/queue.h"\n'
        self.assertEqual(self.check({"src/hub/hub_test.cc": up}), [])
        self.assertEqual(self.check({"src/hub/testing_hub.h": up}), [])
        findings = self.check({"src/hub/hub_test.cc": inside, "src/broker/queue.h": ""})
        self.assertEqual(len(findings), 1)

    def test_a_conformance_suite_is_for_tests(self):
        suite = {"src/broker/broker_conformance.h": ""}
        include = '#include "broker/broker_conformance.h"\n'
        self.assertEqual(self.check({**suite, "src/broker/memory/memory_test.cc": include}), [])
        self.assertEqual(len(self.check({**suite, "src/broker/memory/memory.cc": include})), 1)

    def test_what_a_folder_has_for_tests_is_for_tests(self):
        parts = {"src/broker/testing_queue.h": ""}
        include = '#include "broker/testing_queue.h"\n'
        self.assertEqual(self.check({**parts, "src/hub/hub_test.cc": include}), [])
        self.assertEqual(self.check({**parts, "src/hub/testing_hub.h": include}), [])
        self.assertEqual(len(self.check({**parts, "src/hub/hub.cc": include})), 1)

    def test_an_include_that_is_not_written_from_src_is_found(self):
        findings = self.check({"src/hub/hub.cc": '#include "home.h"\n', "src/hub/home.h": ""})
        self.assertEqual(len(findings), 1)

    def test_a_generated_header_belongs_to_its_folder(self):
        table = '#include "model/codes_table.h"\n'
        self.assertEqual(self.check({"src/model/codes.h": table}), [])
        self.assertEqual(len(self.check({"src/hub/hub.cc": table})), 1)

    def test_a_commented_include_does_not_count(self):
        text = '/*\n#include "hub/hub.h"\n*/\n// #include "hub/hub.h"\n'
        self.assertEqual(self.check({"src/model/model.cc": text}), [])

    def test_a_cycle_is_found(self):
        findings = layers.check_cycles(self.tree({
            "src/a/a.h": '#include "a/b.h"\n',
            "src/a/b.h": '#include "a/c.h"\n',
            "src/a/c.h": '#include "a/a.h"\n'}))
        self.assertEqual(findings, ["include cycle: a/a.h -> a/b.h -> a/c.h -> a/a.h"])

    def test_a_diamond_is_no_cycle(self):
        self.assertEqual(layers.check_cycles(self.tree({
            "src/a/a.h": '#include "a/b.h"\n#include "a/c.h"\n',
            "src/a/b.h": '#include "a/c.h"\n',
            "src/a/c.h": ""})), [])


class SizesTest(TreeTest):
    def test_columns_are_counted_in_code_points(self):
        tree = self.tree({"src/a/a.cc": "// " + "ä" * 97 + "\n// " + "x" * 98 + "\n"})
        self.assertEqual(sizes.check_columns(tree), ["src/a/a.cc:2: 101 columns, 100 at most"])

    def long_function(self, lines):
        return "namespace a {\nvoid f() {\n" + "  g();\n" * (lines - 2) + "}\n}\n"

    def test_a_function_over_seventy_lines_is_found(self):
        tree = self.tree({"src/a/a.cc": self.long_function(71),
                          "src/a/b.cc": self.long_function(70), sizes.ALLOW_LIST: ""})
        self.assertEqual(sizes.check_functions(tree), ["src/a/a.cc:2: f has 71 lines, 70 at most"])

    def test_the_allow_list_allows_what_it_says_and_no_more(self):
        for allowed, findings in (("80", 0), ("79", 1), ("81", 1)):
            tree = self.tree({"src/a/a.cc": self.long_function(80),
                              sizes.ALLOW_LIST: f"src/a/a.cc f {allowed}  # a switch\n"})
            self.assertEqual(len(sizes.check_functions(tree)), findings, allowed)

    def test_the_allow_list_only_shrinks(self):
        tree = self.tree({"src/a/a.cc": self.long_function(70),
                          sizes.ALLOW_LIST: "src/a/a.cc f 80\n"})
        self.assertEqual(sizes.check_functions(tree), [
            f"{sizes.ALLOW_LIST}: src/a/a.cc f is not too long any more; take it off"])

    def test_long_files_and_long_contracts_are_found(self):
        tree = self.tree({"src/a/a.h": "\n" * 351, "src/a/b.h": "\n" * 351,
                          "src/b/c/c.h": "\n" * 351, "src/a/a.cc": "\n" * 801,
                          "tests/e2e/a.mjs": "\n" * 801})
        self.assertEqual([finding.partition(":")[0] for finding in sizes.check_files(tree)],
                         ["src/a/a.cc", "src/a/a.h", "src/b/c/c.h", "tests/e2e/a.mjs"])


class FunctionsTest(unittest.TestCase):
    def names(self, text):
        found = cxx.functions(text)
        return [(function.name, function.first_line, function.last_line) for function in found]

    def test_members_carry_their_class(self):
        text = ("class A final : public B {\n public:\n  int f() const { return 1; }\n};\n"
                "int A::g() {\n  return 2;\n}\n")
        self.assertEqual(self.names(text), [("A::f", 3, 3), ("A::g", 5, 7)])

    def test_initializers_are_part_of_the_constructor(self):
        text = "A::A(int x)\n    : a_{x},\n      b_(x) {\n  f();\n}\nint after() { return 1; }\n"
        self.assertEqual(self.names(text), [("A::A", 1, 5), ("after", 6, 6)])

    def test_braces_in_literals_and_comments_do_not_count(self):
        text = "void f() {\n  g('{', \"{\", R\"({)\", 1'000);  // {\n}\nvoid h() {}\n"
        self.assertEqual(self.names(text), [("f", 1, 3), ("h", 4, 4)])

    def test_templates_operators_and_trailing_returns(self):
        text = ("template <class T, class U = std::vector<T>>\n"
                "auto f(T t) -> std::vector<T> {\n  return {t};\n}\n"
                "bool A::operator()(int x) const {\n  return x;\n}\n")
        self.assertEqual(self.names(text), [("f", 1, 4), ("A::operator()", 5, 7)])

    def test_tables_and_directives_are_no_functions(self):
        text = ("#define X(a) \\\n  void a() {\nconstexpr Row kRows[] = {\n  row(1), row(2)};\n"
                "int x{f(1)};\nvoid f() {}\n")
        self.assertEqual(self.names(text), [("f", 6, 6)])

    def test_tests_are_called_by_suite_and_name(self):
        text = "TEST(Decoder, is_strict) {\n}\n"
        self.assertEqual(self.names(text), [("Decoder.is_strict", 1, 2)])


class DocumentsTest(TreeTest):
    def tour(self, stations, files):
        rows = [f"| {number} | [{path}](../{path}) | `{function}` | what |\n"
                for number, path, function in stations]
        text = "# A tour\n\n" + "".join(rows)
        return documents.check_tour(self.tree({"docs/tour.md": text, **files}))

    def test_a_tour_of_seven_functions_that_exist_is_fine(self):
        files = {f"src/a/f{n}.cc": f"void A::f{n}() {{\n}}\n" for n in range(1, 8)}
        stations = [(n, f"src/a/f{n}.cc", f"A::f{n}") for n in range(1, 8)]
        self.assertEqual(self.tour(stations, files), [])

    def test_a_renamed_function_and_a_moved_file_are_found(self):
        text = "void A::f1();\nvoid A::g() { f1(); }\n"
        files = {f"src/a/f{n}.cc": text for n in range(1, 7)}
        stations = [(n, f"src/a/f{n}.cc", "A::f1" if n == 1 else "A::g") for n in range(1, 8)]
        self.assertEqual(self.tour(stations, files), [
            "docs/tour.md:3: src/a/f1.cc has no function A::f1",
            "docs/tour.md:9: there is no src/a/f7.cc"])

    def test_a_tour_without_its_seven_stations_is_found(self):
        self.assertEqual(len(self.tour([], {})), 1)
        self.assertEqual(documents.check_tour(self.tree({})), ["docs/tour.md is missing"])

    def test_a_dead_link_is_found(self):
        tree = self.tree({
            "README.md": "[a](docs/a.md) [b](docs/b.md#there) [c](https://example.com)\n",
            "docs/a.md": "[up](../README.md)\n"})
        self.assertEqual(documents.check_links(tree),
                         ["README.md:1: the link to docs/b.md leads nowhere"])

    def test_code_tables_that_drifted_are_found(self):
        root = pathlib.Path(__file__).resolve().parent.parent.parent
        paths = ("tools/codes.py", "proto/codes.json", "docs/protocol.md")
        real = {path: (root / path).read_text(encoding="utf-8") for path in paths}
        self.assertEqual(documents.check_codes(self.tree(real)), [])
        page = real["docs/protocol.md"].replace("| 103 |", "| 1030 |", 1)
        drifted = {**real, "docs/protocol.md": page}
        self.assertEqual(len(documents.check_codes(self.tree(drifted))), 1)

    def test_what_is_left_for_later_is_found(self):
        for word in ("TO" + "DO", "FIX" + "ME", "XX" + "X"):
            tree = self.tree({"src/a/a.cc": f"// {word}: later\n"})
            self.assertEqual(documents.check_unfinished(tree), [f"src/a/a.cc:1: {word}"])
        tree = self.tree({"a.sh": "mktemp /tmp/a.XXXXXX\n"})
        self.assertEqual(documents.check_unfinished(tree), [])

    def test_paths_of_a_machine_are_found(self):
        for place in ("work", "home", "root"):
            tree = self.tree({"a.md": f"see /{place}/me/x\n"})
            self.assertEqual(len(documents.check_places(tree)), 1)
        fine = "/usr/bin src/work/x https://a.example/home/b $x/root/c\n"
        self.assertEqual(documents.check_places(self.tree({"a.md": fine})), [])

    def test_a_lock_file_that_names_hosts_is_found(self):
        tree = self.tree({"package-lock.json": '{"resolved": "https://a.example/b.tgz"}'})
        self.assertEqual(len(documents.check_places(tree)), 1)


class ClangTest(TreeTest):
    def test_another_layout_is_found(self):
        if not shutil.which(clang.FORMAT):
            self.skipTest(f"{clang.FORMAT} is missing")
        style = {".clang-format": "BasedOnStyle: Google\n"}
        good = self.tree({**style, "src/a/a.cc": "int f() { return 1; }\n"})
        self.assertEqual(clang.check_format(good), [])
        bad = self.tree({**style, "src/a/a.cc": "int f( ) {return 1;}\n"})
        self.assertEqual(clang.check_format(bad), ["src/a/a.cc: 3 places; run make format"])

    def tidied(self, text):
        """The findings for a source with this text, and how many verdicts were kept."""
        tree = self.tree({
            ".clang-tidy": "Checks: '-*,readability-identifier-naming'\nWarningsAsErrors: '*'\n"
                           "CheckOptions:\n"
                           "  readability-identifier-naming.FunctionCase: lower_case\n",
            "src/a/a.h": "#pragma once\n",
            "src/a/a.cc": '#include "a/a.h"\n' + text,
        })
        build = tree.root / "build" / "x"
        build.mkdir(parents=True)
        file = f"{tree.root}/src/a/a.cc"
        command = f"c++ -I{tree.root}/src -c {file}"
        entry = {"directory": str(build), "file": file, "command": command}
        (build / "compile_commands.json").write_text(json.dumps([entry]))
        findings = clang.check_tidy(tree, build)
        return findings, len(list((tree.root / "build" / "tidy-cache").iterdir()))

    def test_a_wrong_name_is_found_and_only_what_passed_is_remembered(self):
        if not shutil.which(clang.TIDY):
            self.skipTest(f"{clang.TIDY} is missing")
        self.assertEqual(self.tidied("int good_name() { return 1; }\n"), ([], 1))
        findings, kept = self.tidied("int BadName() { return 1; }\n")
        self.assertIn("BadName", findings[0])
        self.assertEqual(kept, 0)

    def test_a_changed_header_is_another_verdict(self):
        if not shutil.which(clang.TIDY):
            self.skipTest(f"{clang.TIDY} is missing")
        markers = []
        for text in ("", "// changed\n"):
            tree = self.tree({".clang-tidy": "", "src/a/a.cc": '#include "a/a.h"\n',
                              "src/a/a.h": '#include "b/b.h"\n', "src/b/b.h": text})
            cache = clang.Cache(tree, tree.root / "build")
            markers.append(cache.marker("src/a/a.cc", "c++").name)
        self.assertNotEqual(*markers)


class WrapCommentsTest(unittest.TestCase):
    def test_an_entry_keeps_its_hanging_indent(self):
        text = "// Limits     " + "word " * 20 + "\n//            and more.\n// Failure    None.\n"
        lines = wrap_comments.wrapped(text).splitlines()
        self.assertTrue(all(len(line) <= 100 for line in lines))
        self.assertEqual(lines[1], "//            word word word and more.")
        self.assertEqual(lines[2], "// Failure    None.")

    def test_what_fits_and_what_is_drawn_stays(self):
        text = "// short\n// lines\n//   kNew " + "─" * 120 + "\nint x;  // fits\n"
        self.assertEqual(wrap_comments.wrapped(text), text)

    def test_a_comment_behind_code_goes_above_it(self):
        lines = wrap_comments.wrapped("  int x = 1;  // " + "why " * 30 + "\n").splitlines()
        self.assertEqual(lines[-1], "  int x = 1;")
        self.assertTrue(all(line.startswith("  // why") for line in lines[:-1]))


if __name__ == "__main__":
    unittest.main()
