#include "edge/transport_http.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "edge/cross_origin.h"
#include "edge/framing.h"
#include "edge/poll_stream.h"
#include "edge/stream_connection.h"
#include "edge/unidirectional.h"

namespace millrace::edge {
namespace {

using metrics::TransportCounter;

constexpr std::string_view kBinary = "application/octet-stream";
constexpr std::string_view kLinesOfJson = "application/x-ndjson";

std::string_view content_type_of(Variant variant) {
  if (variant.framing == Framing::kEvents) return "text/event-stream; charset=utf-8";
  return variant.format == protocol::Format::kJson ? kLinesOfJson : kBinary;
}

// A request that may become a client's connection, or belongs to one.
struct Visit {
  Core& core;
  const http::Request& request;
  http::Responder responder;
  Transport transport;  // that it is to begin; kHttp: it belongs to one that has begun
  Headers headers{};    // that every answer carries
  std::unique_ptr<hub::Visitor> visitor{};  // what is kept of the request; null: nothing is

  void answer(http::Response response) {
    response.headers.insert(response.headers.end(), headers.begin(), headers.end());
    responder.send(std::move(response));
  }
  void refuse(int status, std::string_view why,
              TransportCounter outcome = TransportCounter::kHandshakeRejected) {
    if (transport != Transport::kHttp) core.metrics.add(outcome, transport);
    http::Response response = http::Response::text(status, std::string(why) + "\n");
    if (status == 503) response.headers.emplace_back("Retry-After", "1");
    answer(std::move(response));
  }
  protocol::Format format() const {
    return request.header("Content-Type").starts_with(kBinary) ? protocol::Format::kProtobuf
                                                               : protocol::Format::kJson;
  }
};

// What every request has to pass. False: it was answered.
bool let_in(Visit& visit, size_t body_bytes_max) {
  std::optional<Headers> headers = cross_origin_headers(visit.core, visit.request);
  if (!headers) {
    visit.refuse(403, "origin not allowed", TransportCounter::kHandshakeOrigin);
    return false;
  }
  visit.headers = std::move(*headers);
  if (visit.request.body.size() > body_bytes_max) {
    visit.refuse(413, "the body is too large");
    return false;
  }
  return true;
}

// Notes what those are to see who say who it is. False: it was answered.
bool note_visitor(Visit& visit) {
  auto visitor = visit.core.visitors.of_request(visit.request);
  if (!visitor) {
    const bool large = visitor.error().code == base::ErrorCode::kTooLarge;
    visit.refuse(large ? 431 : 400, visitor.error().message);
    return false;
  }
  visit.visitor = std::move(*visitor);
  return true;
}

bool has_room(Visit& visit) {
  Core& core = visit.core;
  if (!core.draining && core.admission.open_connection(core.loop.now(), visit.transport))
    return true;
  visit.refuse(503, "no room for another connection", TransportCounter::kHandshakeLimit);
  return false;
}

http::Response stream_head(Variant variant, const Headers& headers) {
  http::Response head;
  head.content_type = content_type_of(variant);
  head.headers = headers;
  // Nobody on the way is to keep it, or to wait for more of it.
  head.headers.emplace_back("Cache-Control",
                            "private, no-cache, no-store, must-revalidate, max-age=0");
  head.headers.emplace_back("Pragma", "no-cache");
  head.headers.emplace_back("Expires", "0");
  head.headers.emplace_back("X-Accel-Buffering", "no");
  return head;
}

// What a stream begins with.
std::string beginning(const Visit& visit, Variant variant, const HttpTransport& options) {
  return stream_head(variant, visit.headers).endless_head() +
         padding(variant, options.padding_bytes);
}

// The connection whose stream is the answer to this request; null if there is none, and the request
// was answered.
StreamConnection* open_stream(Visit& visit, Variant variant) {
  Core& core = visit.core;
  if (!note_visitor(visit) || !has_room(visit)) return nullptr;
  Core::log_client(visit.request, visit.transport);
  std::optional<http::TakenStream> taken = visit.responder.take_stream();
  if (!taken) {
    core.admission.close_connection(visit.transport);
    return nullptr;
  }
  core.metrics.add(TransportCounter::kHandshakeAccepted, visit.transport);
  auto made =
      std::make_unique<StreamConnection>(core, std::move(taken->stream), visit.transport, variant);
  Connection& connection = core.adopt(std::move(made));
  connection.introduce(std::move(visit.visitor));
  return static_cast<StreamConnection*>(&connection);
}

// ---- Bidirectional ----

void on_http_stream(Visit visit) {
  if (!let_in(visit, visit.core.options.http_stream.body_bytes_max)) return;
  const std::string commands(visit.request.body);
  if (commands.empty()) return visit.refuse(400, "commands are expected in the body");
  const Variant variant{.format = visit.format(), .framing = Framing::kLines};
  StreamConnection* const made = open_stream(visit, variant);
  if (made != nullptr)
    made->start(beginning(visit, variant, visit.core.options.http_stream), commands);
}

void on_sse(Visit visit) {
  if (!let_in(visit, visit.core.options.sse.body_bytes_max)) return;
  if (visit.request.method == "HEAD") return visit.refuse(405, "GET or POST");
  const std::string commands = visit.request.method == "POST"
                                   ? std::string(visit.request.body)
                                   : visit.request.parameter("cf_connect").value_or("");
  if (!protocol::valid_json(commands))
    return visit.refuse(400, "a connect command is expected in cf_connect");
  const Variant variant{.framing = Framing::kEvents};
  StreamConnection* const made = open_stream(visit, variant);
  if (made != nullptr) made->start(beginning(visit, variant, visit.core.options.sse), commands);
}

// ---- Unidirectional ----

void on_unidirectional(Visit visit, const HttpTransport& options, Variant variant) {
  if (!let_in(visit, options.body_bytes_max)) return;
  if (visit.request.method == "HEAD") return visit.refuse(405, "GET or POST");
  const base::Result<> read =
      read_unidirectional(visit.request, [&](const protocol::ConnectRequest& connect) {
        StreamConnection* const made = open_stream(visit, variant);
        if (made == nullptr) return;
        made->start({.head = beginning(visit, variant, options),
                     .headers = std::move(visit.headers),
                     .refusals = options.refusals},
                    connect);
      });
  if (!read) visit.refuse(400, read.error().message);
}

// ---- Requests that name a session ----

SessionAnswered answer_with(Visit visit) {
  return [responder = std::move(visit.responder),
          headers = std::move(visit.headers)](SessionAnswer answer) mutable {
    if (answer.transport != Transport::kHttp) responder.count_as(answer.transport);
    http::Response response{.status = answer.status,
                            .content_type = std::move(answer.content_type),
                            .body = std::move(answer.body),
                            .headers = std::move(headers)};
    if (answer.status >= 400) response.body = "no such session, or not now\n";
    if (answer.status == 503) response.headers.emplace_back("Retry-After", "1");
    response.headers.emplace_back("Cache-Control", "no-store");
    responder.send(std::move(response));
  };
}

// A poll whose client hangs up is not held any longer, wherever it is.
void let_go_with(http::Responder& responder, Core& core, std::string_view node,
                 const SessionId& session, uint64_t ack) {
  responder.on_gone([&core, node = std::string(node), session, ack] {
    core.request(node, {.session = session, .kind = SessionRequest::Kind::kLetGo, .ack = ack},
                 [](const SessionAnswer&) {});
  });
}

// To the node and the core that have it.
void bring(Visit visit, std::string_view node, std::string_view session, SessionRequest request) {
  const std::optional<SessionId> id = parse_session_id(session);
  Core& core = visit.core;
  if (id && request.kind == SessionRequest::Kind::kPoll)
    let_go_with(visit.responder, core, node, *id, request.ack);
  SessionAnswered answered = answer_with(std::move(visit));
  if (!id) return answered({.status = 404});
  request.session = *id;
  core.request(node, std::move(request), std::move(answered));
}

void on_emulation(Visit visit) {
  if (!let_in(visit, visit.core.options.emulation_body_bytes_max)) return;
  const base::Result<> read = protocol::decode_emulation(
      visit.format(), visit.request.body, [&](const protocol::EmulationRequest& said) {
        bring(std::move(visit), said.node, said.session,
              {.kind = SessionRequest::Kind::kCommands, .data = std::string(said.data)});
      });
  if (!read) visit.refuse(400, read.error().message);
}

void on_poll(Visit visit) {
  visit.responder.count_as(Transport::kLongPoll);
  if (!let_in(visit, visit.core.options.long_poll.body_bytes_max)) return;
  const base::Result<> read =
      protocol::decode_poll(visit.request.body, [&](const protocol::PollRequest& said) {
        const auto kind = said.close ? SessionRequest::Kind::kGoodbye : SessionRequest::Kind::kPoll;
        bring(std::move(visit), said.node, said.session, {.kind = kind, .ack = said.ack});
      });
  if (!read) visit.refuse(400, read.error().message);
}

// Answered as its first poll is.
void on_long_poll(Visit visit) {
  Core& core = visit.core;
  if (!let_in(visit, core.options.long_poll.body_bytes_max)) return;
  const std::string commands(visit.request.body);
  if (commands.empty()) return visit.refuse(400, "commands are expected in the body");
  if (!note_visitor(visit) || !has_room(visit)) return;
  Core::log_client(visit.request, visit.transport);
  core.metrics.add(TransportCounter::kHandshakeAccepted, visit.transport);
  const Variant variant{.format = visit.format(), .framing = Framing::kLines};
  auto polls = std::make_unique<PollStream>(
      core.loop.wheel(), core.metrics,
      PollStream::Options{.hold = core.options.long_poll.hold,
                          .poll_timeout = core.options.long_poll.poll_timeout,
                          .content_type = content_type_of(variant)},
      std::string(visit.request.peer));
  auto made = std::make_unique<StreamConnection>(core, std::move(polls), variant);
  auto& connection = static_cast<StreamConnection&>(core.adopt(std::move(made)));
  connection.introduce(std::move(visit.visitor));
  let_go_with(visit.responder, core, core.options.node, connection.id(), 0);
  connection.on_request({.kind = SessionRequest::Kind::kPoll}, answer_with(std::move(visit)));
  connection.start({}, commands);
}

// ---- Before a connection ----

// Whoever asks gets a connection to the server, and the cookies of whatever stands before it.
void on_init(Visit visit) {
  if (!let_in(visit, SIZE_MAX)) return;
  if (visit.core.draining) return visit.refuse(503, "the server stops");
  visit.answer(http::Response::json(200, "{}"));
}

// ---- Routes ----

struct Methods {
  bool get = false;
  bool post = false;
};
constexpr Methods kGet{.get = true};
constexpr Methods kPost{.post = true};
constexpr Methods kGetAndPost{.get = true, .post = true};

template <class Handle>
void add(Core& core, http::Router& router, const std::string& path, Transport transport,
         Methods methods, Handle handle) {
  const auto route = [&core, transport, handle](const http::Request& request,
                                                http::Responder responder) {
    responder.count_as(transport);
    handle(Visit{.core = core,
                 .request = request,
                 .responder = std::move(responder),
                 .transport = transport});
  };
  if (methods.get) router.add("GET", path, route);
  if (methods.post) router.add("POST", path, route);
  const std::string allowed =
      std::string(methods.get ? "GET, " : "") + (methods.post ? "POST, " : "") + "OPTIONS";
  router.add("OPTIONS", path,
             [&core, allowed](const http::Request& request, http::Responder responder) {
               answer_preflight(core, request, std::move(responder), allowed);
             });
}

}  // namespace

void add_http_transports(Core& core, http::Router& router) {
  const Options& options = core.options;
  if (options.http_stream.enabled)
    add(core, router, options.http_stream.path, Transport::kHttpStream, kPost, on_http_stream);
  if (options.sse.enabled)
    add(core, router, options.sse.path, Transport::kSse, kGetAndPost, on_sse);
  if (options.long_poll.enabled) {
    add(core, router, options.long_poll.path, Transport::kLongPoll, kPost, on_long_poll);
    add(core, router, options.long_poll.poll_path, Transport::kHttp, kPost, on_poll);
  }
  if (options.http_stream.enabled || options.sse.enabled || options.long_poll.enabled)
    add(core, router, options.emulation_path, Transport::kHttp, kPost, on_emulation);
  if (!options.init_path.empty())
    add(core, router, options.init_path, Transport::kHttp, kGet, on_init);
  if (options.uni_http_stream.enabled) {
    add(core, router, options.uni_http_stream.path, Transport::kUniHttpStream, kGetAndPost,
        [&options](Visit visit) {
          on_unidirectional(std::move(visit), options.uni_http_stream,
                            {.framing = Framing::kLines, .bare = true});
        });
  }
  if (options.uni_sse.enabled) {
    add(core, router, options.uni_sse.path, Transport::kUniSse, kGetAndPost,
        [&options](Visit visit) {
          on_unidirectional(std::move(visit), options.uni_sse,
                            {.framing = Framing::kEvents, .bare = true, .ids = true});
        });
  }
}

}  // namespace millrace::edge
