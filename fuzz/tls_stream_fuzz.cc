// A server's TLS stream, and what a peer may do to it: arbitrary bytes in arbitrary pieces, or
// OpenSSL's own client, with somebody in between who cuts, changes, drops and makes up bytes, and a
// socket that is narrow, ends and breaks. Whatever happens, each side hears only what the other has
// said, in order, and never takes a cut for an end.
//
// The first byte says who the peer is; then each step is a byte, and its number, if it has one, the
// next. Keys and nonces differ between runs, so that where bytes are changed may mean another.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/manual_executor.h"
#include "net/testing_stream.h"
#include "net/testing_tls.h"
#include "net/tls_stream.h"

namespace {

using namespace millrace::net;
using Status = IoResult::Status;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// Bytes that tell where they belong, so that what is lost, repeated or swapped is noticed.
std::string counted(size_t from, size_t count) {
  std::string text(count, '\0');
  for (size_t i = 0; i < count; ++i) text[i] = static_cast<char>((from + i) * 7 % 251);
  return text;
}

bool is_counted(std::string_view text) {
  return text == counted(0, text.size());
}

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto first = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return first;
  }
  // Small numbers for each byte, large ones for some.
  size_t number() {
    const size_t value = byte();
    return value < 128 ? value : (value - 127) * 300;
  }
  std::string_view some(size_t count) {
    const std::string_view found = bytes_.substr(0, count);
    bytes_.remove_prefix(found.size());
    return found;
  }

 private:
  std::string_view bytes_;
};

// The server's side: the stream, its owner, and the core that they live on.
class Server final : private StreamHandler {
 public:
  explicit Server(const std::shared_ptr<TestWire>& wire)
      : wire_(wire), core_(cores_.at(0), wheel_, metrics_, context()) {
    stream_ = std::make_unique<TlsStream>(core_, std::make_unique<TestStream>(wire_));
    stream_->set_handler(this);
  }
  ~Server() {
    destroy();
    wheel_.advance(millrace::base::MonotonicTime{} + TlsServer::kLeaveTime + 2 * TimerWheel::kTick);
    require(core_.leavers.empty(), "nobody takes forever to leave");
    require(wire_->closed, "the socket is closed in the end");
    require(metrics_.value(millrace::metrics::Gauge::kTlsConnections) == 0, "nobody is left");
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void turn() {
    wire_->deliver();
    cores_.advance(TimerWheel::kTick);
  }
  void write(size_t count) {
    if (stream_ == nullptr || said_goodbye_) return;
    const std::string text = counted(taken, count);
    const size_t half = count / 3;
    const std::string_view parts[] = {std::string_view(text).substr(0, half),
                                      std::string_view(text).substr(half)};
    const IoResult result = stream_->write(parts);
    require(result.bytes <= count, "no more is taken than was offered");
    require(result.status == Status::kDone || result.bytes == 0, "what fails takes nothing");
    require(!failed || result.status == Status::kError, "what has failed stays so");
    taken += result.bytes;
  }
  void pause(bool paused) {
    if (stream_ != nullptr) stream_->pause_reading(paused);
  }
  void say_goodbye() {
    if (stream_ != nullptr) stream_->shutdown_write();
    said_goodbye_ = true;
  }
  void destroy() { stream_.reset(); }

  size_t bytes_per_read = 4096;
  std::string received;
  size_t taken = 0;
  bool ended = false;
  bool failed = false;

 private:
  static const std::shared_ptr<const TlsContext>& context() {
    static const auto made = TlsContext::create(test_tls::options({test_tls::ecdsa()}), nullptr);
    return *made;
  }

  void on_readable() override {
    std::string buffer(bytes_per_read, '\0');
    const IoResult result = stream_->read(buffer);
    require(result.bytes <= buffer.size(), "no more is read than there is room for");
    require(!failed || result.status == Status::kError, "what has failed stays so");
    require(!ended || result.bytes == 0, "nothing comes after the end");
    received.append(buffer, 0, result.bytes);
    if (result.status == Status::kEnd) ended = true;
    if (result.status != Status::kError) return;
    failed = true;
    destroy();  // as every owner does
  }
  void on_writable() override {}

  const std::shared_ptr<TestWire> wire_;
  millrace::base::ManualCores cores_{1};
  TimerWheel wheel_{{}};
  millrace::metrics::Core metrics_;
  TlsCore core_;
  std::unique_ptr<Stream> stream_;
  bool said_goodbye_ = false;
};

// Nothing but bytes.
void speak_nonsense(Input input) {
  const auto wire = std::make_shared<TestWire>();
  Server server(wire);
  while (!input.empty()) {
    const size_t size = 1 + input.number();
    wire->inbound += input.some(size);
    server.turn();
    server.write(10);
  }
  wire->ended = true;
  server.turn();
  require(server.received.empty() && !server.ended, "nonsense says nothing");
}

// What is on its way in one direction.
void mangle(std::string& bytes, uint8_t how, Input& input) {
  if (bytes.empty() || bytes.size() > 100'000) return;
  const size_t at = input.number() % bytes.size();
  switch (how % 4) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << input.byte() % 8));
      return;
    case 1:
      bytes.erase(at, 1 + input.number());
      return;
    case 2:
      bytes.insert(at, input.some(1 + input.byte() % 16));
      return;
    default:
      bytes += bytes.substr(at);
      return;
  }
}

class Conversation {
 public:
  explicit Conversation(int version)
      : client_({.version_max = version}), server_(wire_), deadline_(4'000) {}

  void step(Input& input) {
    const uint8_t what = input.byte();
    switch (what % 16) {
      case 0:
      case 1:
        return to_server(1 + input.number());
      case 2:
      case 3:
        return to_client(1 + input.number());
      case 4:
        return exchange();
      case 5:
        return say(input.number());
      case 6:
        return server_.write(input.number());
      case 7:
        wire_->room = input.number();
        return server_.turn();
      case 8:
        wire_->room = SIZE_MAX;
        return server_.turn();
      case 9:
        return server_.pause(input.byte() % 2 == 1);
      case 10:
        server_.bytes_per_read = 1 + input.number();
        return;
      case 11:
        mangled_ = true;
        return what % 32 == 11 ? mangle(up_, what / 32, input)
                               : mangle(wire_->outbound, what / 32, input);
      case 12:
        return goodbye(what);
      case 13:
        wire_->ended = true;
        return server_.turn();
      case 14:
        return ask_for_new_keys();
      default:
        return break_off(what);
    }
  }

  // Lets everything arrive that still can.
  void finish() {
    wire_->room = SIZE_MAX;
    server_.pause(false);
    server_.bytes_per_read = 4096;
    exchange();
    const bool whole = !mangled_ && !cut_;
    require(is_counted(server_.received), "the server hears what was said, in order");
    require(is_counted(client_.received), "the client hears what was said, in order");
    require(server_.received.size() <= said_, "and no more than that");
    require(client_.received.size() <= server_.taken, "and no more than that, either");
    require(!server_.ended || said_goodbye_, "a cut is no end");
    if (!whole || wire_->ended || said_goodbye_) return;
    require(client_.established() && !server_.failed, "a handshake succeeds");
    require(server_.received.size() == said_, "all that was said is heard");
    require(client_.received.size() == server_.taken, "all that was taken arrives");
  }

 private:
  void to_server(size_t count) {
    up_ += client_.output();
    wire_->inbound += up_.substr(0, count);
    up_.erase(0, count);
    server_.turn();
  }
  void to_client(size_t count) {
    client_.input(std::string_view(wire_->outbound).substr(0, count));
    wire_->outbound.erase(0, count);
    client_.go_on();
  }
  void exchange() {
    for (int quiet = 0; quiet < 3 && deadline_ > 0; --deadline_) {
      const bool moves = !up_.empty() || client_.has_output() || !wire_->outbound.empty();
      quiet = moves ? 0 : quiet + 1;
      to_server(SIZE_MAX);
      to_client(SIZE_MAX);
    }
  }
  void say(size_t count) {
    if (count == 0 || !client_.established() || said_goodbye_) return;
    client_.write(counted(said_, count));
    said_ += count;
  }
  void goodbye(uint8_t what) {
    if (what < 128) return server_.say_goodbye();
    if (!client_.established()) return;
    said_goodbye_ = true;
    client_.shut_down();
  }
  void ask_for_new_keys() {
    if (!client_.established()) return;
    client_.ask_for_new_keys();
    // Who asks and does not read is cut off at some point.
    if (++asked_ > 500) cut_ = true;
  }
  void break_off(uint8_t what) {
    cut_ = true;
    if (what < 128) return server_.destroy();
    wire_->broken = true;
    if (wire_->handler != nullptr) wire_->handler->on_readable();
  }

  test_tls::Client client_;
  const std::shared_ptr<TestWire> wire_ = std::make_shared<TestWire>();
  Server server_;
  std::string up_;  // from the client, on its way
  size_t said_ = 0;
  bool said_goodbye_ = false;  // the client
  bool mangled_ = false;
  bool cut_ = false;
  size_t asked_ = 0;
  int deadline_;  // turns of exchange()
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Input input({reinterpret_cast<const char*>(data), size});
  const uint8_t who = input.byte();
  if (who % 4 == 3) {
    speak_nonsense(input);
    return 0;
  }
  Conversation conversation(who % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION);
  while (!input.empty()) conversation.step(input);
  conversation.finish();
  return 0;
}
