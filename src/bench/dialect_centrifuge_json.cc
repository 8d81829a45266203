// The Centrifuge protocol in JSON: one command or reply per line, several lines in a frame.
//
// Replies are not parsed. Servers write the keys in the schema's order, so that the first bytes of
// a line tell what it is; publications are known by the stamp in them.
#include <charconv>
#include <optional>

#include "base/json_text.h"
#include "bench/centrifuge_ids.h"
#include "bench/dialect.h"

namespace millrace::bench {
namespace {

constexpr std::string_view kReplyBegin = R"({"id":)";
constexpr std::string_view kPong = "{}";

// The number at the start of `text`, which is cut off.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(read.ptr - text.data()));
  return number;
}

// What is behind the last `key` in `line`; "" if it is not there.
std::string_view behind_last(std::string_view line, std::string_view key) {
  const size_t at = line.rfind(key);
  return at == std::string_view::npos ? "" : line.substr(at + key.size());
}

uint64_t offset_of(std::string_view line) {
  std::string_view text = behind_last(line, R"("offset":)");
  return take_number(text).value_or(0);
}

class CentrifugeJson final : public Dialect {
 public:
  CentrifugeJson(const Options& options, DialectHearer& hearer)
      : Dialect(hearer), positions_(options.scenario == ScenarioKind::kReconnect) {
    connect_ = R"({"id":1,"connect":{"name":"bench")";
    if (const std::string token = token_of(options); !token.empty()) {
      connect_ += R"(,"token":)";
      base::append_json_string(connect_, token);
    }
    connect_ += "}}";
  }

  void join(Client& client, const Joining& joining, std::string& out) override {
    std::string text = connect_;
    uint32_t id = kConnectId;
    for (const std::string& channel : joining.channels) {
      text += "\n{\"id\":" + std::to_string(++id) + R"(,"subscribe":{"channel":)";
      base::append_json_string(text, channel);
      if (joining.recoverable) text += R"(,"recoverable":true)";
      if (joining.since != nullptr) {
        text += R"(,"recover":true,"epoch":)";
        base::append_json_string(text, joining.since->epoch);
        text += ",\"offset\":" + std::to_string(joining.since->offset);
      }
      text += "}}";
    }
    client.awaited = id;
    append_masked(out, Opcode::kText, text, client.mask_key);
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
      if (line == kPong)
        append_masked(out, Opcode::kText, kPong, client.mask_key);
      else if (line.starts_with(kReplyBegin))
        read_reply(client, line);
      else
        read_push(client, line);
    }
  }

 private:
  void read_push(Client& client, std::string_view line) {
    const char* stamp = finder_.find(line);
    if (stamp == nullptr) return;
    if (positions_) hearer_.on_position(client, "", offset_of(line));
    hearer_.on_delivery(client, read_stamp(stamp));
  }

  void read_reply(Client& client, std::string_view line) {
    std::string_view text = line.substr(kReplyBegin.size());
    const std::optional<uint64_t> id = take_number(text);
    if (!id) return;
    constexpr std::string_view kError = R"(,"error":)";
    if (text.starts_with(kError)) {
      text.remove_prefix(kError.size());
      return hearer_.on_refused(client, text.substr(0, text.size() - 1));
    }
    if (*id >= kPublishIds)
      return hearer_.on_answer(client, static_cast<uint32_t>(*id - kPublishIds));
    if (*id > kConnectId) read_subscribed(client, line);
    if (client.fd >= 0 && client.awaited > 0 && --client.awaited == 0) hearer_.on_joined(client);
  }

  // The reply to a subscribe may bring what was missed.
  void read_subscribed(Client& client, std::string_view line) {
    if (!positions_) return;
    const std::string_view epoch = behind_last(line, R"("epoch":")");
    hearer_.on_position(client, epoch.substr(0, epoch.find('"')), offset_of(line));
    StampFinder finder;
    std::string_view rest = line;
    while (const char* stamp = finder.find(rest)) {
      hearer_.on_delivery(client, read_stamp(stamp));
      rest.remove_prefix(static_cast<size_t>(stamp - rest.data()) + kStampBytes);
    }
  }

  const bool positions_;
  std::string connect_;
  std::string command_;  // scratch
};

}  // namespace

std::unique_ptr<Dialect> make_centrifuge_json(const Options& options, DialectHearer& hearer) {
  return std::make_unique<CentrifugeJson>(options, hearer);
}

}  // namespace millrace::bench
