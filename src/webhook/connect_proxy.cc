#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "webhook/answer.h"
#include "webhook/question.h"
#include "webhook/webhook.h"

namespace millrace::webhook {
namespace {

namespace errors = model::errors;
using metrics::Counter;

constexpr int kOk = 200;

Counter counter_of(base::ErrorCode code) {
  return code == base::ErrorCode::kTooLarge ? Counter::kBackendTooLarge
                                            : Counter::kBackendUnavailable;
}

}  // namespace

ConnectProxy::ConnectProxy(net::Loop& loop, metrics::Core& metrics, const ConnectOptions& options)
    : loop_(loop),
      metrics_(metrics),
      options_(options),
      client_(loop,
              {.requests_max = options.requests_max, .connections_max = options.connections_max}) {}

ConnectProxy::~ConnectProxy() = default;

void ConnectProxy::connect(std::string_view client, const hub::Visitor& visitor, Done done) {
  base::Result<std::string> question = connect_question(client, visitor, options_.binary_encoding);
  if (!question) return done(errors::kBadRequest);
  if (client_.in_flight() >= options_.requests_max) {
    fail(Counter::kBackendLimit, "too many requests under way", {});
    return done(errors::kTooManyRequests);
  }
  metrics_.add(metrics::Gauge::kBackendRequests, 1);
  const base::MonotonicTime begun = base::monotonic_now();
  client_.send(
      {.method = http::ClientMethod::kPost,
       .url = options_.endpoint,
       .headers = headers_for(visitor),
       .body = std::move(*question),
       .timeout = options_.timeout,
       .body_bytes_max = kAnswerBytesMax},
      [this, begun, done = std::move(done)](base::Result<http::ClientResponse> response) mutable {
        metrics_.add(metrics::Gauge::kBackendRequests, -1);
        const std::chrono::duration<double> took = base::monotonic_now() - begun;
        metrics_.observe(metrics::Histogram::kBackendSeconds, took.count());
        done(verdict_of(std::move(response)));
      });
}

// The configured headers first, where the client brings none of the same name.
std::vector<std::pair<std::string, std::string>> ConnectProxy::headers_for(
    const hub::Visitor& visitor) const {
  std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"}};
  for (const auto& [name, value] : options_.static_headers) {
    const auto same = [&spelled = name](const auto& header) { return header.first == spelled; };
    if (std::ranges::none_of(visitor.headers, same)) headers.emplace_back(name, value);
  }
  headers.insert(headers.end(), visitor.headers.begin(), visitor.headers.end());
  return headers;
}

hub::Backend::Verdict ConnectProxy::verdict_of(base::Result<http::ClientResponse> response) {
  if (!response)
    return fail(counter_of(response.error().code), "no answer", response.error().message);
  if (response->status != kOk) {
    const auto meaning =
        std::ranges::find(options_.statuses, response->status, &StatusMeaning::status);
    if (meaning != options_.statuses.end()) return meaning->meaning;
    return fail(Counter::kBackendStatus, "unexpected status", std::to_string(response->status));
  }
  base::Result<Verdict> verdict = read_connect_answer(response->body);
  if (!verdict)
    return fail(Counter::kBackendMalformed, "malformed answer", verdict.error().message);
  return std::move(*verdict);
}

hub::Backend::Verdict ConnectProxy::fail(Counter counter, std::string_view reason,
                                         std::string_view detail) {
  metrics_.add(counter);
  uint64_t left_out = 0;
  if (failures_.may_tell(loop_.now(), left_out)) {
    base::log::error("connect proxy",
                     {{"problem", reason}, {"detail", detail}, {"not_logged_before", left_out}});
  }
  return errors::kInternal;
}

}  // namespace millrace::webhook
