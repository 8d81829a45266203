// Routes, keys, and how answers leave: JSON in, JSON out. What is asked is read by calls.h and
// carried out by run.h.
#include "api/api.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "api/calls.h"
#include "api/results.h"
#include "api/run.h"
#include "protocol/protocol.h"

namespace millrace::api {
namespace {

constexpr std::string_view kRequestId = "X-Request-Id";

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

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

// The status of an error in the transport error mode.
int status_of(uint32_t code) {
  switch (code) {
    case 102:
    case 104:
      return 404;
    case 103:
      return 403;
    case 106:
    case 107:
    case 108:
      return 400;
    case 111:
      return 429;
    case 112:
      return 416;
    case 113:
      return 409;
    default:
      return 500;
  }
}

// One request that waits for its answer.
class Exchange {
 public:
  Exchange(const Options& options, const http::Request& request, http::Responder responder)
      : responder_(std::move(responder)),
        transport_errors_(options.transport_errors ||
                          request.header("X-Centrifugo-Error-Mode") == "transport") {
    const std::string_view id = request.header(kRequestId);
    if (id.size() <= kRequestIdBytesMax && printable(id)) request_id_ = id;
  }

  void text(int status, std::string body) { send(http::Response::text(status, std::move(body))); }
  void json(std::string body) { send(http::Response::json(200, std::move(body))); }
  void outcome(const Outcome& outcome) {
    if (outcome || !transport_errors_) return json(reply_text(outcome));
    const Failure& failed = outcome.error();
    send(http::Response::json(status_of(failed.code), failure_text(failed)));
  }
  void not_json() { text(400, "the body is not valid JSON\n"); }

 private:
  void send(http::Response response) {
    if (!request_id_.empty()) {
      response.headers.emplace_back(std::string(kRequestId), std::move(request_id_));
    }
    responder_.send(std::move(response));
  }

  http::Responder responder_;
  bool transport_errors_;
  std::string request_id_;
};

// The server API of one core.
class Service {
 public:
  Service(const Options& options, Parts parts) : options_(options), parts_(std::move(parts)) {}

  const Options& options() const { return options_; }

  // POST <prefix>/<method>. What simdjson's on-demand front end skips it does not validate, so the
  // whole body is checked first, here and below.
  void one(std::string_view method, std::string_view body, Exchange exchange) const {
    if (!protocol::valid_json(body)) return exchange.not_json();
    Command command;
    const Read<Method> found = find_method(method);
    if (found) {
      command.method = *found;
      command.call = read_call(*found, body);
    } else {
      command.call = std::unexpected(found.error());
    }
    run_command(parts_, std::move(command),
                [exchange = std::move(exchange)](const Outcome& outcome) mutable {
                  exchange.outcome(outcome);
                });
  }

  // POST <prefix>/batch
  void batch(std::string_view body, Exchange exchange) const {
    if (!protocol::valid_json(body)) return exchange.not_json();
    Read<Batch> batch = read_batch(body);
    if (!batch) return refuse(std::move(batch.error()), std::move(exchange));
    std::vector<std::string_view> names;
    for (const Command& command : batch->commands) {
      names.push_back(command.method ? name_of(*command.method) : "");
    }
    run_all(parts_, std::move(batch->commands), batch->parallel,
            [names = std::move(names),
             exchange = std::move(exchange)](std::vector<Outcome> outcomes) mutable {
              exchange.json(replies_text(names, outcomes));
            });
  }

  // POST <prefix>
  void lines(std::string_view body, Exchange exchange) const {
    Read<std::vector<Line>> lines = read_lines(body);
    if (!lines) {
      if (lines.error().code == 0) return exchange.not_json();
      return refuse(std::move(lines.error()), std::move(exchange));
    }
    std::vector<Command> commands;
    std::vector<std::optional<int64_t>> ids;
    for (Line& line : *lines) {
      ids.push_back(line.id);
      commands.push_back(std::move(line.command));
    }
    run_all(parts_, std::move(commands), false,
            [ids = std::move(ids),
             exchange = std::move(exchange)](std::vector<Outcome> outcomes) mutable {
              std::string replies;
              for (size_t i = 0; i < outcomes.size(); ++i) {
                if (i > 0) replies.push_back('\n');
                replies += reply_text(outcomes[i], ids[i]);
              }
              exchange.json(std::move(replies));
            });
  }

 private:
  void refuse(Failure why, Exchange exchange) const {
    parts_.metrics.add(metrics::Counter::kApiOther);
    parts_.metrics.add(metrics::CodeCounter::kApiErrors, why.code);
    exchange.outcome(std::unexpected(std::move(why)));
  }

  const Options options_;
  const Parts parts_;
};

}  // namespace

void add_routes(http::Router& router, const Options& options, Parts parts) {
  // Shared by the routes, which live as long as the router.
  const auto service = std::make_shared<const Service>(options, std::move(parts));
  const auto add = [&](std::string path, auto handle) {
    router.add("POST", std::move(path),
               [service, handle](const http::Request& request, http::Responder responder) {
                 Exchange exchange(service->options(), request, std::move(responder));
                 if (!authorized(service->options(), request)) return exchange.text(401, "");
                 handle(*service, request, std::move(exchange));
               });
  };
  add(options.prefix, [](const Service& to, const http::Request& request, Exchange exchange) {
    to.lines(request.body, std::move(exchange));
  });
  add(options.prefix + "/batch",
      [](const Service& to, const http::Request& request, Exchange exchange) {
        to.batch(request.body, std::move(exchange));
      });
  add(options.prefix + "/*",
      [skip = options.prefix.size() + 1](const Service& to, const http::Request& request,
                                         Exchange exchange) {
        to.one(request.path.substr(skip), request.body, std::move(exchange));
      });
}

}  // namespace millrace::api
