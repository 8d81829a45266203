// The NATS client protocol within WebSocket frames: lines, and payloads of a told length. Frames
// are a stream of bytes to it, so that a message may be spread over two.
#include <charconv>
#include <string>
#include <unordered_map>

#include "bench/dialect.h"

namespace millrace::bench {
namespace {

constexpr std::string_view kEnd = "\r\n";
constexpr std::string_view kConnect =
    R"(CONNECT {"verbose":false,"pedantic":false,"headers":false,"echo":true,)"
    R"("lang":"c++","version":"1","protocol":1})"
    "\r\n";

class Nats final : public Dialect {
 public:
  using Dialect::Dialect;
  explicit Nats(DialectHearer& hearer) : Dialect(hearer) {}

  // What follows the subscriptions is answered when they are in force.
  void join(Client& client, const Joining& joining, std::string& out) override {
    rests_.erase(&client);
    client.awaited = 1;
    std::string text(kConnect);
    size_t id = 0;
    for (const std::string& channel : joining.channels)
      text += "SUB " + channel + " " + std::to_string(++id) + "\r\n";
    text += "PING\r\n";
    append_masked(out, Opcode::kBinary, text, client.mask_key);
  }

  void publish(const Client& client, std::string_view channel, std::string_view payload, uint32_t,
               std::string& out) override {
    command_.assign("PUB ");
    command_ += channel;
    command_ += " " + std::to_string(payload.size());
    command_ += kEnd;
    command_ += payload;
    command_ += kEnd;
    append_masked(out, Opcode::kBinary, command_, client.mask_key);
  }

  void read(Client& client, std::string_view message, std::string& out) override {
    const auto rest = rests_.find(&client);
    if (rest == rests_.end()) return keep(client, take(client, message, out));
    const std::string joined = std::move(rest->second) + std::string(message);
    rests_.erase(rest);
    keep(client, take(client, joined, out));
  }

 private:
  void keep(Client& client, std::string_view rest) {
    if (rest.size() > 2 * kFrameBytesMax)
      refuse_length(client);
    else if (!rest.empty() && client.fd >= 0)
      rests_[&client] = rest;
  }

  // Reads all that is complete and returns what is not.
  std::string_view take(Client& client, std::string_view text, std::string& out) {
    while (client.fd >= 0) {
      const size_t end = text.find(kEnd);
      if (end == std::string_view::npos) break;
      const std::string_view line = text.substr(0, end);
      size_t used = end + kEnd.size();
      if (line.starts_with("MSG ")) {
        const std::string_view size = line.substr(line.rfind(' ') + 1);
        size_t bytes = 0;
        std::from_chars(size.data(), size.data() + size.size(), bytes);
        if (bytes > kFrameBytesMax) return refuse_length(client);
        if (text.size() < used + bytes + kEnd.size()) break;
        if (const char* stamp = finder_.find(text.substr(used, bytes)))
          hearer_.on_delivery(client, read_stamp(stamp));
        used += bytes + kEnd.size();
      } else {
        read_line(client, line, out);
      }
      text.remove_prefix(used);
    }
    return text;
  }

  std::string_view refuse_length(Client& client) {
    hearer_.on_broken(client, "the server sent a message that is too long");
    return "";
  }

  void read_line(Client& client, std::string_view line, std::string& out) {
    if (line == "PING") {
      append_masked(out, Opcode::kBinary, "PONG\r\n", client.mask_key);
    } else if (line == "PONG") {
      if (client.awaited > 0 && --client.awaited == 0) hearer_.on_joined(client);
    } else if (line.starts_with("-ERR")) {
      hearer_.on_refused(client, line.substr(4));
    }
  }

  std::unordered_map<const Client*, std::string> rests_;  // of messages that have not ended
  std::string command_;                                   // scratch
};

}  // namespace

std::unique_ptr<Dialect> make_nats(DialectHearer& hearer) {
  return std::make_unique<Nats>(hearer);
}

}  // namespace millrace::bench
