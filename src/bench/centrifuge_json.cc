#include "bench/centrifuge_json.h"

#include <charconv>

#include "base/json_text.h"

namespace millrace::bench::centrifuge_json {

void append_subscription(std::string& out, const Joining& joining) {
  if (joining.recoverable) out += R"(,"recoverable":true)";
  if (joining.since == nullptr) return;
  out += R"(,"recover":true,"epoch":)";
  base::append_json_string(out, joining.since->epoch);
  out += ",\"offset\":" + std::to_string(joining.since->offset);
}

void append_connect_request(std::string& out, std::string_view token, const Joining* subs) {
  out += R"({"name":"bench")";
  if (!token.empty()) {
    out += R"(,"token":)";
    base::append_json_string(out, token);
  }
  if (subs != nullptr) {
    std::string members;
    append_subscription(members, *subs);
    if (!members.empty()) members.erase(0, 1);  // the first comma
    out += R"(,"subs":{)";
    for (const std::string& channel : subs->channels) {
      if (!out.ends_with('{')) out += ',';
      base::append_json_string(out, channel);
      out.append(":{").append(members).append("}");
    }
    out += '}';
  }
  out += '}';
}

std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(read.ptr - text.data()));
  return number;
}

std::string_view behind_last(std::string_view line, std::string_view key) {
  const size_t at = line.rfind(key);
  return at == std::string_view::npos ? "" : line.substr(at + key.size());
}

std::string_view string_behind(std::string_view line, std::string_view key) {
  const std::string_view rest = behind_last(line, key);
  return rest.substr(0, rest.find('"'));
}

uint64_t offset_of(std::string_view line) {
  std::string_view text = behind_last(line, R"("offset":)");
  return take_number(text).value_or(0);
}

void tell_recovered(std::string_view line, Client& client, DialectHearer& hearer) {
  hearer.on_position(client, string_behind(line, R"("epoch":")"), offset_of(line));
  StampFinder finder;
  std::string_view rest = line;
  while (const char* stamp = finder.find(rest)) {
    hearer.on_delivery(client, read_stamp(stamp));
    rest.remove_prefix(static_cast<size_t>(stamp - rest.data()) + kStampBytes);
  }
}

void tell_end(std::string_view line, Client& client, DialectHearer& hearer) {
  const std::string_view why = behind_last(line, R"("disconnect":)");
  if (why.empty()) return;
  const size_t end = why.find('}');
  hearer.on_broken(client, "the server closed the connection: " +
                               std::string(why.substr(0, end == why.npos ? end : end + 1)));
}

}  // namespace millrace::bench::centrifuge_json
