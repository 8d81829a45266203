// Those that only listen: what they say is in the request, and pushes come without a reply around
// them. JSON only.
#include "bench/centrifuge_json.h"
#include "bench/dialect.h"

namespace millrace::bench {
namespace {

class Unidirectional final : public Dialect {
 public:
  Unidirectional(const Options& options, DialectHearer& hearer)
      : Dialect(hearer),
        positions_(options.scenario == ScenarioKind::kReconnect),
        token_(token_of(options)) {}

  void join(Client&, const Joining& joining, std::string& out) override {
    centrifuge_json::append_connect_request(out, token_, &joining);
  }

  // They have no way to.
  void publish(const Client&, std::string_view, std::string_view, uint32_t, std::string&) override {
  }

  void read(Client& client, std::string_view message, std::string&) override {
    while (!message.empty() && client.fd >= 0) {
      const size_t end = message.find('\n');
      read_line(client, message.substr(0, end));
      message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
    }
  }

 private:
  void read_line(Client& client, std::string_view line) {
    if (line.starts_with(R"({"connect":)")) return read_connected(client, line);
    const char* stamp = finder_.find(line);
    if (stamp == nullptr) return centrifuge_json::tell_end(line, client, hearer_);
    if (positions_) hearer_.on_position(client, "", centrifuge_json::offset_of(line));
    hearer_.on_delivery(client, read_stamp(stamp));
  }

  void read_connected(Client& client, std::string_view line) {
    if (line.find(R"("subs":{)") == std::string_view::npos)
      return hearer_.on_refused(client, "it may not subscribe");
    if (positions_) centrifuge_json::tell_recovered(line, client, hearer_);
    hearer_.on_joined(client);
  }

  const bool positions_;
  const std::string token_;
};

}  // namespace

std::unique_ptr<Dialect> make_unidirectional(const Options& options, DialectHearer& hearer) {
  return std::make_unique<Unidirectional>(options, hearer);
}

}  // namespace millrace::bench
