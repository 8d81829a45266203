#include "app/token_fetch.h"

#include <string>
#include <utility>

namespace millrace::app {

auth::Fetch fetch_with(http::Client& client) {
  return [&client](std::string url, auto done) {
    client.send({.url = std::move(url),
                 .headers = {{"Accept", "application/json"}},
                 .body_bytes_max = auth::kJwksBytesMax},
                [done = std::move(done)](base::Result<http::ClientResponse> response) mutable {
                  if (!response) return done(base::fail(response));
                  if (response->status == 200) return done(std::move(response->body));
                  done(base::fail(base::ErrorCode::kUnavailable,
                                  "answered with status " + std::to_string(response->status)));
                });
  };
}

}  // namespace millrace::app
