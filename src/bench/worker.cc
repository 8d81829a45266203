#include "bench/worker.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "bench/stream_requests.h"

namespace millrace::bench {
namespace {

constexpr int64_t kTurnNsMax = 10'000'000;  // phases are looked at that often
constexpr int64_t kSilenceNs = 10 * kNsPerSecond;

}  // namespace

Worker::Worker(const Setup& setup, Board& board, size_t process)
    : setup_(setup),
      options_(setup.options),
      board_(board),
      figures_(board.figures(process)),
      process_(process),
      processes_(setup.processes) {
  const size_t subscribers = options_.connections_in_all() - options_.publishers;
  subscribers_ = (subscribers + processes_ - 1 - process_) / processes_;
  clients_.resize(subscribers_ + (process_ == 0 ? options_.publishers : 0));
  for (size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].index = static_cast<uint32_t>(i);
    clients_[i].publishes_only = i >= subscribers_ || options_.scenario == ScenarioKind::kPublish;
    if (!clients_[i].publishes_only) clients_[i].carriage = carriage_of(options_);
  }
  if (options_.transport != TransportKind::kWebSocket) streams_.resize(subscribers_);
}

base::Result<> Worker::start() {
  auto engine = Engine::create(*this, {.deflate = options_.compression});
  if (!engine) return base::fail(engine);
  engine_ = std::move(*engine);
  dialect_ = make_dialect(options_, *this);
  if (!streams_.empty()) {
    subscribers_dialect_ = make_subscribers_dialect(options_, *this);
    auto postbox = Postbox::create(setup_.addresses);
    if (!postbox) return base::fail(postbox);
    postbox_ = std::move(*postbox);
  }
  started_ns_ = progress_ns_ = now_ns();
  for (Client& client : clients_) wanted_.push_back({&client, 0});
  return {};
}

void Worker::turn() {
  phase_ = board_.phase();
  measuring_ = phase_ == Phase::kMeasuring;
  const int64_t now = now_ns();
  if (!wanted_.empty() || in_progress_ > 0) open_wanted(now);
  figures_.settled.store(wanted_.empty() && in_progress_ == 0, std::memory_order_release);
  if (phase_ == Phase::kWarmup || phase_ == Phase::kMeasuring) work(now);
  if (phase_ == Phase::kDraining && !figures_.drained.load(std::memory_order_relaxed))
    figures_.drained.store(drained(), std::memory_order_release);
  int64_t due = next_due();
  if (!wanted_.empty() && options_.scenario == ScenarioKind::kConnect)
    due = std::min(due, begun_of_next());
  engine_->turn(std::min(due - std::min(due, now_ns()), kTurnNsMax));
  if (postbox_ != nullptr) postbox_->turn();
  const uint64_t received = engine_->received_bytes();
  counts().received_bytes.add(static_cast<int64_t>(received - received_bytes_));
  received_bytes_ = received;
}

// When the next connection is due, if they are opened at a rate.
int64_t Worker::begun_of_next() const {
  if (options_.scenario != ScenarioKind::kConnect || options_.rate == 0) return 0;
  const double number = static_cast<double>(opened_ * processes_ + process_);
  return started_ns_ + static_cast<int64_t>(number / options_.rate * kNsPerSecond);
}

void Worker::open_wanted(int64_t now) {
  const bool paced = options_.scenario == ScenarioKind::kConnect && options_.rate != 0;
  while (!wanted_.empty()) {
    if (paced ? begun_of_next() > now : in_progress_ >= options_.in_progress) break;
    const Wanted next = wanted_.front();
    wanted_.pop_front();
    const int64_t begun = paced ? begun_of_next() : next.begun_ns != 0 ? next.begun_ns : now_ns();
    ++opened_;
    open(*next.client, begun);
  }
  give_up_on_silence(now);
}

void Worker::open(Client& client, int64_t begun_ns) {
  const size_t url = server_of(client);
  client.begun_ns = begun_ns;
  ++in_progress_;
  SocketAddress source;
  if (setup_.source_addresses > 0)
    source = loopback_source(index_in_all(client) / setup_.urls.size() % setup_.source_addresses);
  engine_->connect(client, setup_.addresses[url], setup_.source_addresses > 0 ? &source : nullptr,
                   request_of(client));
}

std::string Worker::request_of(Client& client) {
  const Url& url = setup_.urls[server_of(client)];
  if (on_websocket(client)) {
    std::string channel;
    if (dialect_->publishes_to_one_channel()) channel = channels_of(client).front();
    return dialect_->upgrade_request(url, client, channel);
  }
  streams_[client.index] = {};
  std::string body;
  join(client, body);
  return opening_request(url, options_, body);
}

// A server that says nothing would hold up the run for ever.
void Worker::give_up_on_silence(int64_t now) {
  if (in_progress_ == 0 || now - progress_ns_ < kSilenceNs) return;
  for (Client& client : clients_) {
    if (!client.open() || client.state == ClientState::kReady || now - client.begun_ns < kSilenceNs)
      continue;
    failed("no answer within 10 s");
    engine_->close(client);
  }
}

void Worker::cut(Client& client) {
  engine_->close(client);
  counts().live.add(-1);
}

void Worker::want(Client& client, int64_t begun_ns) {
  wanted_.push_back({&client, begun_ns});
}

std::string Worker::channel_name(size_t channel) const {
  if (options_.channels == 1) return options_.channel;
  return options_.channel + "-" + std::to_string(channel);
}

std::vector<std::string> Worker::channels_of(const Client& client) const {
  const size_t number = index_in_all(client);
  return {channel_name(options_.channels == 0 ? number : number % options_.channels)};
}

void Worker::join(Client& client, std::string& out) {
  std::vector<std::string> channels;
  if (!client.publishes_only) channels = channels_of(client);
  const bool recoverable = options_.recoverable || options_.scenario == ScenarioKind::kReconnect;
  dialect_of(client).join(
      client, {.channels = channels, .recoverable = recoverable, .since = since(client)}, out);
}

void Worker::on_upgraded(Client& client, std::string& out) {
  if (on_websocket(client)) join(client, out);  // the others have said it with their request
}

void Worker::on_message(Client& client, Opcode, std::string_view message, std::string& out) {
  dialect_of(client).read(client, message, out);
  if (client.carriage == Carriage::kAnswers) poll(client, message, out);
}

// Only answers that bring messages are numbered.
void Worker::poll(Client& client, std::string_view received, std::string& out) {
  if (client.fd < 0) return;
  Stream& stream = streams_[client.index];
  if (!received.empty()) ++stream.received;
  out += poll_request(setup_.urls[server_of(client)], stream.name, stream.received);
}

void Worker::on_session(Client& client, const SessionName& session) {
  streams_[client.index].name = session;
}

void Worker::on_ping(Client& client) {
  const size_t server = server_of(client);
  postbox_->post(server, pong_request(setup_.urls[server], options_, streams_[client.index].name));
}

void Worker::on_joined(Client& client) {
  client.state = ClientState::kReady;
  --in_progress_;
  progress_ns_ = engine_->now();
  counts().joined.add(1);
  if (!client.publishes_only) counts().live.add(1);
  const bool timed = options_.scenario == ScenarioKind::kConnect ||
                     (options_.scenario == ScenarioKind::kIdle && phase_ == Phase::kOpening);
  if (timed) figures_.latency.add(engine_->now() - client.begun_ns);
  on_ready(client);
}

void Worker::failed(std::string_view reason) {
  --in_progress_;
  progress_ns_ = engine_->now();
  counts().failed.add(1);
  figures_.tell_problem(reason);
}

void Worker::on_closed(Client& client, std::string_view reason) {
  if (client.state != ClientState::kReady) return failed(reason);
  counts().disconnects.add(1);
  if (!client.publishes_only) counts().live.add(-1);
  figures_.tell_problem(reason);
  on_gone(client);
}

void Worker::on_refused(Client& client, std::string_view reason) {
  const std::string text = "the server refused: " + std::string(reason);
  if (client.state == ClientState::kReady) {
    counts().refused.add(1);
    figures_.tell_problem(text);
    return;
  }
  failed(text);
  engine_->close(client);
}

void Worker::on_broken(Client& client, std::string_view reason) {
  on_closed(client, reason);
  engine_->close(client);
}

std::unique_ptr<Worker> make_worker(const Setup& setup, Board& board, size_t process) {
  switch (setup.options.scenario) {
    case ScenarioKind::kConnect:
    case ScenarioKind::kIdle:
      return std::make_unique<Worker>(setup, board, process);
    case ScenarioKind::kEcho:
    case ScenarioKind::kPublish:
      return make_round_trips(setup, board, process);
    case ScenarioKind::kChurn:
      return make_churn(setup, board, process);
    case ScenarioKind::kReconnect:
      return make_reconnect(setup, board, process);
    default:
      return make_flow(setup, board, process);
  }
}

size_t streams_of(const Options& options) {
  switch (options.scenario) {
    case ScenarioKind::kChannels:
      return options.channels;
    case ScenarioKind::kFanout:
    case ScenarioKind::kChurn:
    case ScenarioKind::kReconnect:
      return options.publishers;
    default:
      return 0;
  }
}

}  // namespace millrace::bench
