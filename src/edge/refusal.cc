#include "edge/refusal.h"

#include <algorithm>

#include "protocol/protocol.h"

namespace millrace::edge {
namespace {

bool is_json(std::string_view body) {
  return (body.starts_with('{') || body.starts_with('[')) && protocol::valid_json(body);
}

bool may_have_body(int status) {
  return status != 204 && status != 205 && status != 304;
}

}  // namespace

model::Disconnect disconnect_for(const model::ReplyError& error,
                                 std::span<const ErrorToDisconnect> own) {
  namespace errors = model::errors;
  namespace disconnects = model::disconnects;
  const auto found = std::ranges::find(own, error.code, &ErrorToDisconnect::code);
  if (found != own.end()) return {.code = found->to_code, .reason = found->to_reason};
  if (error.code == errors::kTokenExpired.code || error.code == errors::kExpired.code)
    return disconnects::kExpired;
  if (error.code == errors::kTooManyRequests.code) return disconnects::kTooManyRequests;
  if (error.code == errors::kPermissionDenied.code) return disconnects::kPermissionDenied;
  return disconnects::kInternal;
}

std::string Opening::refusal(uint32_t code, std::string_view meaning) const {
  const auto found = std::ranges::find(refusals, code, &CodeToResponse::code);
  if (found == refusals.end()) return {};
  std::string body = found->body.empty() ? std::string(meaning) : found->body;
  if (!may_have_body(found->status)) body.clear();
  http::Response response = is_json(body) ? http::Response::json(found->status, std::move(body))
                                          : http::Response::text(found->status, std::move(body));
  if (response.body.empty()) response.content_type.clear();
  response.headers = headers;
  // The next attempt may succeed.
  response.headers.emplace_back("Cache-Control", "no-store");
  return response.last();
}

}  // namespace millrace::edge
