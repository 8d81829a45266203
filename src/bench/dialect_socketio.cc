// socket.io 5 over engine.io 4, WebSocket only. The first character of a message is engine.io's
// type, the second socket.io's.
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "bench/dialect.h"

namespace millrace::bench {
namespace {

class SocketIo final : public Dialect {
 public:
  explicit SocketIo(DialectHearer& hearer) : Dialect(hearer) {}

  // The server speaks first: its greeting, which is answered with the wish for the namespace "/",
  // which it answers.
  void join(Client& client, const Joining& joining, std::string&) override {
    wanted_[&client].assign(joining.channels.begin(), joining.channels.end());
  }

  void publish(const Client& client, std::string_view channel, std::string_view payload, uint32_t,
               std::string& out) override {
    command_.assign(R"(42["pub",)");
    base::append_json_string(command_, channel);
    command_ += ",";
    command_ += payload;
    command_ += "]";
    append_masked(out, Opcode::kText, command_, client.mask_key);
  }

  void read(Client& client, std::string_view message, std::string& out) override {
    if (message.starts_with("42")) {
      if (const char* stamp = finder_.find(message)) hearer_.on_delivery(client, read_stamp(stamp));
    } else if (message == "2") {
      append_masked(out, Opcode::kText, "3", client.mask_key);
    } else if (message.starts_with("0")) {
      append_masked(out, Opcode::kText, "40", client.mask_key);
    } else if (message.starts_with("40")) {
      subscribe(client, out);
    } else if (message.starts_with("44")) {
      hearer_.on_refused(client, message.substr(2));
    }
  }

 protected:
  std::string request_target(const Url& url, const Client& client,
                             std::string_view channel) const override {
    if (!url.path.empty() && url.path != "/") return Dialect::request_target(url, client, channel);
    return "/socket.io/?EIO=4&transport=websocket";
  }

 private:
  // Nobody says when a subscription is in force; what the server reads later comes later.
  void subscribe(Client& client, std::string& out) {
    const auto wanted = wanted_.find(&client);
    if (wanted == wanted_.end()) return;
    for (const std::string& channel : wanted->second) {
      std::string text = R"(42["sub",)";
      base::append_json_string(text, channel);
      append_masked(out, Opcode::kText, text + "]", client.mask_key);
    }
    wanted_.erase(wanted);
    hearer_.on_joined(client);
  }

  std::unordered_map<const Client*, std::vector<std::string>> wanted_;
  std::string command_;  // scratch
};

}  // namespace

std::unique_ptr<Dialect> make_socketio(DialectHearer& hearer) {
  return std::make_unique<SocketIo>(hearer);
}

}  // namespace millrace::bench
