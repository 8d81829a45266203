#include "bench/options.h"

namespace millrace::bench {

namespace {

constexpr std::string_view kScenariosHelp =
    R"(millrace bench - stress-test a server that clients connect to

SYNOPSIS
    millrace bench SCENARIO [options]

SCENARIOS
    connect     Open --connections and subscribe each, at --rate a second or as
                fast as --in-progress handshakes at once allow.
    idle        Open them, hold them for --duration, answer pings.
    fanout      --subscribers of one channel; --publishers publish to it, in a
                --window or at a --rate.
    channels    --channels with --subscribers each, over --connections; channels
                are published to at random, in a --window or at a --rate.
    echo        An endpoint that echoes: each of --connections keeps --window
                messages under way. The URL's path, or /echo.
    publish     Each of --connections publishes to a channel of its own and
                keeps --window commands under way until they are answered.
    churn       Of --connections subscribed to one channel, --rate a second go
                and are replaced, while --publish-rate messages are published.
    reconnect   All --subscribers are cut off at once while --publish-rate
                messages a second are published, come back with their positions,
                and must get every message once. The channel needs history.
)";

constexpr std::string_view kOptionsHelp = R"(
OPTIONS
    --url URL               Where to connect; more than once: in turns.
                            ws://127.0.0.1:8000/connection/websocket
    --dialect DIALECT       centrifuge (the default), plain, nats, socketio.
    --format FORMAT         json (the default) or protobuf; centrifuge.
    --transport TRANSPORT   How subscribers connect: websocket (the default),
                            http_stream, sse, long_poll, uni_http_stream,
                            uni_sse; publishers use a WebSocket. Centrifuge.
    --compression           Ask for permessage-deflate.
    --token TOKEN           What clients show to be let in, or
    --hmac-secret SECRET    the secret to make such a token with; centrifuge.
    --channel NAME          What channels' names begin with: bench.
    --recoverable           Subscribe with recovery; centrifuge.
    --connections N         1000; echo and publish 200; channels: as few as 100
                            channels on each allow.
    --subscribers N         1000; channels 10.
    --publishers N          1.
    --channels N            1000; connect and idle: what the connections are
                            spread over, each has one of its own by default.
    --payload BYTES         Of a message: 125.
    --window N              Messages under way at once, until every subscriber
                            has them: 1.
    --rate N                Per second, whatever the server does meanwhile;
                            latency counts from when a message was due.
    --publish-rate N        Per second, for churn and reconnect: 10.
    --in-progress N         Handshakes at once: 100.
    --warmup SECONDS        Not measured: 2.
    --duration SECONDS      Measured: 10.
    --processes N           As few as the limit on open files allows.
    --source-addresses N    Connect from 127.0.0.1, 127.0.0.2, ...; one for each
                            10,000 connections. For servers on this machine.
    --server-pid PID        Read processor time and memory of this process; more
                            than once: their sum.
    --json FILE             The result as JSON, too; "-": to standard output,
                            and the table to standard error.
    --quiet                 No progress.
    -h, --help              Show this text.

EXIT STATUS
    0  all messages arrived, once and in order, and no connection failed
    1  they did not, or the run could not be made
    2  the command line is wrong

EXAMPLES
    millrace --dev &
    millrace bench fanout --subscribers 5000 --window 16 --server-pid $!
    millrace bench connect --connections 15000 --rate 2000
    millrace bench idle --connections 100000 --duration 120 --recoverable
)";

}  // namespace

std::string help_text() {
  return std::string(kScenariosHelp).append(kOptionsHelp);
}

}  // namespace millrace::bench
