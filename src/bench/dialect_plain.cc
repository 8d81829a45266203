// Servers without a protocol of their own: what a client sends with a leading P goes to all who are
// connected for the same channel, as it is. The path says what a connection is for: /sub, /pub or
// /echo, and behind the first two maybe a channel.
#include "bench/dialect.h"

namespace millrace::bench {
namespace {

class Plain final : public Dialect {
 public:
  Plain(const Options& options, DialectHearer& hearer)
      : Dialect(hearer),
        echo_(options.scenario == ScenarioKind::kEcho),
        one_channel_(options.scenario != ScenarioKind::kChannels && options.channels == 1) {}

  void join(Client& client, const Joining&, std::string&) override { hearer_.on_joined(client); }

  void publish(const Client& client, std::string_view, std::string_view payload, uint32_t,
               std::string& out) override {
    append_masked(out, Opcode::kText, payload, client.mask_key);
  }

  void read(Client& client, std::string_view message, std::string&) override {
    if (const char* stamp = finder_.find(message)) hearer_.on_delivery(client, read_stamp(stamp));
  }

  std::string_view payload_prefix() const override { return "P"; }
  bool publishes_to_one_channel() const override { return true; }

 protected:
  std::string request_target(const Url& url, const Client& client,
                             std::string_view channel) const override {
    std::string path = url.path;
    while (path.ends_with('/')) path.pop_back();
    if (echo_) return (path.empty() ? "/echo" : path) + url.query;
    path += client.publishes_only ? "/pub" : "/sub";
    if (!one_channel_) path += "/" + std::string(channel);
    return path + url.query;
  }

 private:
  const bool echo_;
  const bool one_channel_;
};

}  // namespace

std::unique_ptr<Dialect> make_plain(const Options& options, DialectHearer& hearer) {
  return std::make_unique<Plain>(options, hearer);
}

}  // namespace millrace::bench
