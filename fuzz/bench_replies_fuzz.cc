// What a server may send to the load generator: frames, and within them each dialect's messages.
// The first byte chooses the dialect. A message means the same however a stream of NATS is cut, and
// nothing is read outside of what was sent.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "bench/dialect.h"
#include "bench/frames.h"

namespace millrace::bench {
namespace {

class Closing final : public DialectHearer {
 public:
  void on_joined(Client& client) override { client.state = ClientState::kReady; }
  void on_delivery(Client&, const Stamp& stamp) override { heard += std::to_string(stamp.time_ns); }
  void on_answer(Client&, uint32_t id) override { heard += "a" + std::to_string(id); }
  // As a worker does with one that has not joined.
  void on_refused(Client& client, std::string_view) override {
    if (client.state != ClientState::kReady) client.fd = -1;
    heard += "r";
  }
  void on_broken(Client& client, std::string_view) override {
    client.fd = -1;
    heard += "b";
  }
  void on_position(Client&, std::string_view epoch, uint64_t offset) override {
    (heard += epoch) += std::to_string(offset);
  }
  void on_session(Client&, const SessionName& session) override { heard += session.session; }
  void on_ping(Client&) override { heard += "p"; }
  std::string heard;
};

std::unique_ptr<Dialect> choose(uint8_t byte, Closing& hearer) {
  Options options;
  options.scenario = (byte & 8) != 0 ? ScenarioKind::kReconnect : ScenarioKind::kFanout;
  switch (byte % 5) {
    case 0:
      return make_centrifuge_json(options, hearer);
    case 1:
      return make_centrifuge_protobuf(options, hearer);
    case 2:
      return make_plain(options, hearer);
    case 3:
      return make_nats(hearer);
    default:
      return make_socketio(hearer);
  }
}

// What the messages mean, in frames if there are any, or else as one message.
std::string meaning(uint8_t byte, std::string_view bytes, size_t cut) {
  Closing hearer;
  const std::unique_ptr<Dialect> dialect = choose(byte, hearer);
  Client client;
  client.fd = 0;
  std::string out;
  dialect->join(client, {}, out);
  client.state = ClientState::kJoining;
  dialect->read(client, bytes.substr(0, cut), out);
  if (cut < bytes.size() && client.fd >= 0) dialect->read(client, bytes.substr(cut), out);
  return hearer.heard;
}

void read_frames(std::string_view bytes, bool deflate) {
  Frame frame;
  while (read_frame(bytes, deflate, frame) == FrameStatus::kWhole) {
    const char* begin = bytes.data();
    if (frame.bytes < 2 || frame.bytes > bytes.size() || frame.payload.data() < begin ||
        frame.payload.data() + frame.payload.size() != begin + frame.bytes)
      std::abort();
    bytes.remove_prefix(frame.bytes);
  }
}

}  // namespace
}  // namespace millrace::bench

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using millrace::bench::meaning;
  if (size < 2) return 0;
  // On the heap and of this very size, so that a byte too far is found.
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::unique_ptr<char[]> exact(new char[text.size()]);
  std::ranges::copy(text, exact.get());
  const std::string_view bytes(exact.get(), text.size());
  millrace::bench::read_frames(bytes, (data[0] & 16) != 0);
  const size_t cut = text.empty() ? 0 : data[1] % text.size();
  const std::string whole = meaning(data[0], bytes, text.size());
  const std::string halves = meaning(data[0], bytes, cut);
  constexpr uint8_t kNats = 3;
  if (data[0] % 5 == kNats && whole != halves) std::abort();
  return 0;
}
