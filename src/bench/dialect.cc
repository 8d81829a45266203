#include "bench/dialect.h"

#include "auth/auth.h"
#include "base/clock.h"

namespace millrace::bench {

std::string Dialect::request_target(const Url& url, const Client&, std::string_view) const {
  return (url.path.empty() ? "/" : url.path) + url.query;
}

std::string Dialect::upgrade_request(const Url& url, const Client& client,
                                     std::string_view channel) const {
  std::string request = "GET " + request_target(url, client, channel) +
                        " HTTP/1.1\r\nHost: " + url.authority +
                        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\n";
  if (!subprotocol().empty())
    request += "Sec-WebSocket-Protocol: " + std::string(subprotocol()) + "\r\n";
  return request + "Sec-WebSocket-Key: ";
}

void Dialect::say(const Client& client, Opcode opcode, std::string_view message, std::string& out) {
  if (client.carriage == Carriage::kFrames)
    append_masked(out, opcode, message, client.mask_key);
  else
    out += message;
}

void Dialect::answer_ping(Client& client, Opcode opcode, std::string_view pong, std::string& out) {
  if (client.carriage == Carriage::kFrames)
    append_masked(out, opcode, pong, client.mask_key);
  else if (client.carriage != Carriage::kAnswers)  // polls say enough
    hearer_.on_ping(client);
}

std::unique_ptr<Dialect> make_subscribers_dialect(const Options& options, DialectHearer& hearer) {
  return is_unidirectional(options.transport) ? make_unidirectional(options, hearer)
                                              : make_dialect(options, hearer);
}

std::unique_ptr<Dialect> make_dialect(const Options& options, DialectHearer& hearer) {
  // An echo is the same in every dialect: none.
  if (options.scenario == ScenarioKind::kEcho) return make_plain(options, hearer);
  switch (options.dialect) {
    case DialectKind::kCentrifuge:
      return options.protobuf ? make_centrifuge_protobuf(options, hearer)
                              : make_centrifuge_json(options, hearer);
    case DialectKind::kPlain:
      return make_plain(options, hearer);
    case DialectKind::kNats:
      return make_nats(hearer);
    case DialectKind::kSocketIo:
      return make_socketio(hearer);
  }
  return nullptr;
}

std::string token_of(const Options& options) {
  if (!options.token.empty() || options.hmac_secret.empty()) return options.token;
  constexpr int64_t kDay = 24L * 60 * 60;
  const int64_t now = base::wall_clock_ms() / 1000;
  return auth::make_token(options.hmac_secret,
                          {.user = "bench", .expire_at = now + kDay, .issued_at = now});
}

}  // namespace millrace::bench
