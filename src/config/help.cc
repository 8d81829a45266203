// `millrace --help`, laid out like a manual page, in 80 columns.
#include <algorithm>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/flags.h"

namespace millrace::config {
namespace {

constexpr KeyFlag kFlags[] = {
    {"--address", "-a", "ADDRESS", "http_server.address",
     "Listen on this address only (http_server.address)."},
    {"--port", "-p", "NUMBER", "http_server.port",
     "Listen on this port; 0: any (http_server.port)."},
    {"--unix-socket", "", "PATH", "http_server.unix_socket",
     "Listen there, too (http_server.unix_socket)."},
    {"--workers", "", "NUMBER", "workers", "Event loops; 0: one per usable CPU (workers)."},
    {"--log-level", "", "LEVEL", "log.level", "debug, info, warn, error or none (log.level)."},
    {"--log-format", "", "FORMAT", "log.format", "text or json (log.format)."},
    {"--log-file", "", "PATH", "log.file", "Add log lines to this file (log.file)."},
    {"--node-name", "", "NAME", "node.name", "Name of this node (node.name)."},
    {"--region", "", "NAME", "node.region", "Where this node runs (node.region)."},
};

constexpr size_t kTextColumn = 28;

std::string entry(std::string left, std::string_view right) {
  left.insert(0, 4, ' ');
  left.resize(std::max(left.size() + 1, kTextColumn), ' ');
  return left + std::string(right) + "\n";
}

std::string flag_entries() {
  std::string out = entry("-c, --config FILE", "Read this file (see FILES).") +
                    entry("    --dev", "For development: everybody may do everything.");
  for (const KeyFlag& flag : kFlags) {
    const std::string lead = flag.short_name.empty() ? "    " : std::string(flag.short_name) + ", ";
    out += entry(lead + std::string(flag.name) + " " + std::string(flag.argument), flag.text);
  }
  return out + entry("-h, --help", "Show this text.") + entry("    --version", "Show the version.");
}

constexpr std::string_view kTop = R"(millrace - realtime messaging server for Centrifuge clients

SYNOPSIS
    millrace [serve] [options]
    millrace check-config [options]
    millrace gen-token --user USER [--channel CHANNEL] [options]
    millrace check-token TOKEN [--channel CHANNEL] [options]
    millrace publish CHANNEL DATA [--server URL] [--api-key KEY] [options]
    millrace doctor [--connections NUMBER] [--json] [options]
    millrace bench SCENARIO [bench options]
    millrace genconfig | configdoc | version | help

DESCRIPTION
    Millrace holds WebSocket connections and carries messages between them
    through channels. It speaks the Centrifuge client protocol, so client
    libraries for JavaScript, Go, Dart, Swift, Java, Python and C# connect to
    it as they are, at ws://HOST:8000/connection/websocket.

    It is closed until it is opened: without a configuration that lets clients
    in, nobody gets in. To try it out:

        millrace --dev

COMMANDS
    serve                   Run the server. The default.
    check-config            Check the configuration as serve would read it:
                            file, environment and flags. Prints "ok", or every
                            mistake with its place. Alias: checkconfig.
    genconfig               Print a configuration file to start from, with every
                            key in a comment.
    configdoc               Print the reference of all keys, as Markdown.
    gen-token               Print a connection token (JWT, HS256) for --user,
                            or with --channel a subscription token for it, made
                            with hmac_secret_key of client.token (or of
                            client.subscription_token, if it is enabled). It
                            expires after --ttl (168h; 0s: never) or at
                            --expire-at, in Unix seconds.
    check-token             Verify a connection token, or with --channel a
                            subscription token for it, as the server would:
                            print what it says, or why it is refused. Key sets
                            are fetched.
    publish                 Publish DATA, which is JSON (or "-": JSON from
                            standard input), through the API of a running
                            server, and print the result. Where it is and its
                            key are what the configuration says, or --server
                            (http://HOST:PORT) and --api-key.
    doctor                  Look at this machine: how many connections it can
                            hold, what limits it, and commands that change that.
                            With --connections it says whether the machine can
                            hold so many; with --json, for programs.
    bench                   Stress-test a server: see millrace bench --help.
    version                 Print the version.
    help                    Print this text.

OPTIONS
    Each goes over the environment and the file. In parentheses: its key.

)";

constexpr std::string_view kBottom = R"(
    --dev sets client.insecure = true and, where nothing else was said,
    client.allowed_origins = ["*"]; turns uni_websocket, uni_sse and
    uni_http_stream on likewise, and serves a playground page at /. Never use it
    where others can connect.

CONFIGURATION
    Later ones win: the file, MILLRACE_ variables, flags. Keys have the names,
    nesting and meaning of Centrifugo v6; a key of Centrifugo that Millrace does
    not support is warned about, one that nobody knows is an error.

        client.ping_interval            the key
        [client]                        in a TOML file
        ping_interval = "25s"
        MILLRACE_CLIENT_PING_INTERVAL   the variable

    Durations are "500ms", "25s", "1h30m"; sizes are bytes. A variable holds a
    list as words between blanks, or as JSON. Strings may refer to variables
    whose names begin with MILLRACE_VAR_, as "${MILLRACE_VAR_SECRET}".

    MILLRACE_CHANNEL_NAMESPACES="chat news" declares namespaces, and
    MILLRACE_CHANNEL_NAMESPACES_CHAT_ALLOW_PUBLISH_FOR_CLIENT=true sets an
    option of one.

FILES
    Without --config, the first of these that exists is read:
    ./millrace.toml, ./config.toml, ./config.json

SIGNALS
    SIGTERM, SIGINT         Stop: refuse new connections, ask every client to
                            reconnect elsewhere, and exit within
                            shutdown.timeout. A second one ends it at once.
    SIGHUP                  Read the configuration again. What a running server
                            can change is changed, the rest is named in the log.

EXIT STATUS
    0  stopped as asked, or the configuration is good
    1  the server could not start or run (a port is taken, ...); the token is
       refused, or cannot be made; it was not published; the machine cannot
       hold the connections
    2  the command line or the configuration is wrong

EXAMPLES
    millrace --dev --port 9000
    millrace genconfig > millrace.toml
    millrace --config /etc/millrace/millrace.toml
    millrace check-config -c millrace.toml && systemctl reload millrace
    millrace gen-token --user 42 --ttl 1h
    millrace gen-token --user 42 | xargs millrace check-token
    millrace publish news '{"text":"hello"}'
    millrace doctor --connections 200000
    MILLRACE_LOG_LEVEL=debug MILLRACE_WORKERS=4 millrace
)";

}  // namespace

std::span<const KeyFlag> key_flags() {
  return kFlags;
}

std::string help_text() {
  return std::string(kTop) + flag_entries() + std::string(kBottom);
}

}  // namespace millrace::config
