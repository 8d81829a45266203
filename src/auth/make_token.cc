#include <string>

#include "auth/auth.h"
#include "auth/keys.h"
#include "auth/token.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/json_text.h"

namespace millrace::auth {

std::string make_token(std::string_view hmac_secret_key, const TokenRequest& request) {
  std::string payload = "{\"sub\":";
  base::append_json_string(payload, request.user);
  if (!request.channel.empty()) {
    payload += ",\"channel\":";
    base::append_json_string(payload, request.channel);
  }
  if (request.expire_at != 0) payload += ",\"exp\":" + std::to_string(request.expire_at);
  if (request.issued_at != 0) payload += ",\"iat\":" + std::to_string(request.issued_at);
  payload += "}";

  std::string token;
  base::append_base64url(token, R"({"alg":"HS256","typ":"JWT"})");
  token += '.';
  base::append_base64url(token, payload);
  const Algorithm* const algorithm = find_algorithm("HS256");
  MILLRACE_ASSERT(algorithm != nullptr);
  const std::string signature = hmac(*algorithm, hmac_secret_key, token);
  token += '.';
  base::append_base64url(token, signature);
  return token;
}

}  // namespace millrace::auth
