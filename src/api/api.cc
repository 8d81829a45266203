#include "api/api.h"

#include <openssl/crypto.h>
#include <simdjson.h>

#include <optional>
#include <string_view>
#include <utility>

#include "base/json_text.h"
#include "protocol/protocol.h"

namespace millrace::api {
namespace {

// Compares in a time that tells nothing of where two keys differ.
bool same_key(std::string_view given, std::string_view key) {
  return given.size() == key.size() && CRYPTO_memcmp(given.data(), key.data(), key.size()) == 0;
}

bool authorized(const Options& options, const http::Request& request) {
  if (options.insecure) return true;
  if (options.key.empty()) return false;
  constexpr std::string_view kScheme = "apikey ";
  const std::string_view header = request.header("X-API-Key");
  if (!header.empty()) return same_key(header, options.key);
  const std::string_view authorization = request.header("Authorization");
  if (authorization.starts_with(kScheme))
    return same_key(authorization.substr(kScheme.size()), options.key);
  const std::optional<std::string> parameter = request.parameter("api_key");
  return parameter && same_key(*parameter, options.key);
}

struct Publish {
  std::string channel;
  std::string data;  // JSON text on one line; "" if it was absent
};

// The payload's own text is kept: it goes to the subscribers as it came. nullopt: the fields have
// the wrong types.
std::optional<Publish> read_publish(std::string_view body) {
  simdjson::ondemand::parser parser;
  simdjson::padded_string padded(body);
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return std::nullopt;
  if (document.get_object().get(object) != simdjson::SUCCESS) return std::nullopt;
  Publish publish;
  for (auto field : object) {
    std::string_view key;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return std::nullopt;
    if (key == "channel") {
      std::string_view channel;
      if (field.value().get_string().get(channel) != simdjson::SUCCESS) return std::nullopt;
      publish.channel = channel;
    } else if (key == "data") {
      std::string_view text;
      if (simdjson::to_json_string(field.value()).get(text) != simdjson::SUCCESS)
        return std::nullopt;
      publish.data.clear();
      protocol::append_json_line(publish.data, text);
    }
  }
  return publish;
}

http::Response error_response(const model::ReplyError& error) {
  std::string body = R"({"error":{"code":)" + std::to_string(error.code) + R"(,"message":)";
  base::append_json_string(body, error.message);
  return http::Response::json(200, body + "}}");
}

void publish(hub::Hub& hub, const http::Request& request, http::Responder responder) {
  // What simdjson's on-demand front end skips it does not validate, so the whole body is checked
  // first.
  if (!protocol::valid_json(request.body))
    return responder.send(http::Response::text(400, "the body is not valid JSON\n"));
  std::optional<Publish> read = read_publish(request.body);
  if (!read || read->channel.empty() || read->data.empty()) {
    return responder.send(error_response(model::errors::kBadRequest));
  }
  hub::PublishAsk what{.data = base::SharedBytes::copy_of(read->data),
                       .received = base::monotonic_now()};
  hub.publish(std::move(read->channel), std::move(what),
              [responder = std::move(responder)](std::optional<model::ReplyError> error) mutable {
                if (error) return responder.send(error_response(*error));
                responder.send(http::Response::json(200, R"({"result":{}})"));
              });
}

}  // namespace

void add_routes(http::Router& router, const Options& options, hub::Hub& hub) {
  router.add("POST", options.prefix + "/publish",
             [options, &hub](const http::Request& request, http::Responder responder) {
               if (!authorized(options, request))
                 return responder.send(http::Response::text(401, ""));
               publish(hub, request, std::move(responder));
             });
}

}  // namespace millrace::api
