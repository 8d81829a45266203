// The Centrifuge protocol in JSON: one command or reply per line, several lines in a frame.
//
// Replies are not parsed. Servers write the keys in the schema's order, so that the first bytes of
// a line tell what it is; publications are known by the stamp in them.
#include <optional>

#include "base/json_text.h"
#include "bench/centrifuge_ids.h"
#include "bench/centrifuge_json.h"
#include "bench/dialect.h"

namespace millrace::bench {
namespace {

constexpr std::string_view kReplyBegin = R"({"id":)";
constexpr std::string_view kJsonPong = "{}";

class CentrifugeJson final : public Dialect {
 public:
  CentrifugeJson(const Options& options, DialectHearer& hearer)
      : Dialect(hearer),
        positions_(options.scenario == ScenarioKind::kReconnect),
        token_(token_of(options)) {}

  void join(Client& client, const Joining& joining, std::string& out) override {
    // An EventSource says only one command at first, so that one has to subscribe as well.
    const bool one_command = client.carriage == Carriage::kEvents;
    std::string text = R"({"id":1,"connect":)";
    centrifuge_json::append_connect_request(text, token_, one_command ? &joining : nullptr);
    text += '}';
    uint32_t id = kConnectId;
    for (const std::string& channel : one_command ? none_ : joining.channels) {
      text += "\n{\"id\":" + std::to_string(++id) + R"(,"subscribe":{"channel":)";
      base::append_json_string(text, channel);
      centrifuge_json::append_subscription(text, joining);
      text += "}}";
    }
    client.awaited = id;
    say(client, Opcode::kText, text, out);
  }

  void publish(const Client& client, std::string_view channel, std::string_view payload,
               uint32_t id, std::string& out) override {
    command_.assign(kReplyBegin);
    command_ += std::to_string(kPublishIds + id);
    command_ += R"(,"publish":{"channel":)";
    base::append_json_string(command_, channel);
    command_ += R"(,"data":)";
    command_ += payload;
    command_ += "}}";
    append_masked(out, Opcode::kText, command_, client.mask_key);
  }

  void read(Client& client, std::string_view message, std::string& out) override {
    while (!message.empty() && client.fd >= 0) {
      const size_t end = message.find('\n');
      const std::string_view line = message.substr(0, end);
      message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
      if (line == kJsonPong)
        answer_ping(client, Opcode::kText, kJsonPong, out);
      else if (line.starts_with(kReplyBegin))
        read_reply(client, line);
      else
        read_push(client, line);
    }
  }

 private:
  void read_push(Client& client, std::string_view line) {
    const char* stamp = finder_.find(line);
    if (stamp == nullptr) return centrifuge_json::tell_end(line, client, hearer_);
    if (positions_) hearer_.on_position(client, "", centrifuge_json::offset_of(line));
    hearer_.on_delivery(client, read_stamp(stamp));
  }

  void read_reply(Client& client, std::string_view line) {
    std::string_view text = line.substr(kReplyBegin.size());
    const std::optional<uint64_t> id = centrifuge_json::take_number(text);
    if (!id) return;
    constexpr std::string_view kError = R"(,"error":)";
    if (text.starts_with(kError)) {
      text.remove_prefix(kError.size());
      return hearer_.on_refused(client, text.substr(0, text.size() - 1));
    }
    if (*id >= kPublishIds)
      return hearer_.on_answer(client, static_cast<uint32_t>(*id - kPublishIds));
    if (*id == kConnectId && !read_connected(client, line)) return;
    const bool subscribed = *id > kConnectId || client.carriage == Carriage::kEvents;
    // The reply to a subscribe may bring what was missed.
    if (subscribed && positions_) centrifuge_json::tell_recovered(line, client, hearer_);
    if (client.fd >= 0 && client.awaited > 0 && --client.awaited == 0) hearer_.on_joined(client);
  }

  // False: it was refused.
  bool read_connected(Client& client, std::string_view line) {
    if (client.carriage == Carriage::kFrames) return true;
    using centrifuge_json::string_behind;
    hearer_.on_session(client, {.session = std::string(string_behind(line, R"("session":")")),
                                .node = std::string(string_behind(line, R"("node":")"))});
    if (client.carriage != Carriage::kEvents) return true;
    const bool subscribed = line.find(R"("subs":{)") != std::string_view::npos;
    if (!subscribed) hearer_.on_refused(client, "it may not subscribe");
    return subscribed;
  }

  const bool positions_;
  const std::string token_;
  const std::span<const std::string> none_{};
  std::string command_;  // scratch
};

}  // namespace

std::unique_ptr<Dialect> make_centrifuge_json(const Options& options, DialectHearer& hearer) {
  return std::make_unique<CentrifugeJson>(options, hearer);
}

}  // namespace millrace::bench
