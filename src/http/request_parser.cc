// Two readers, one verdict: our scans pass only what is strict, the library splits what they
// passed, and where the two do not see the same message, it is refused. Each request gets a parser
// of its own, so that nothing carries over to the next.
//
//   head --no body--> request
//     |--Content-Length--> fixed body --all of it--> request
//     |--chunked--> chunked body --its end--> request
//   any --error--> failed
#include <http_parser.h>

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "http/chunk_scan.h"
#include "http/head_scan.h"
#include "http/http.h"
#include "http/syntax.h"

namespace millrace::http {
namespace {

// The library's own bound on a head is one for the whole process; ours, in Options, is looked at
// first.
void lift_library_limit() {
  static const bool lifted = [] {
    http_parser_set_max_header_size(std::numeric_limits<uint32_t>::max());
    return true;
  }();
  static_cast<void>(lifted);
}

}  // namespace

struct RequestParser::State {
  enum class Phase : uint8_t { kHead, kFixedBody, kChunkedBody, kFailed };

  explicit State(const Options& parser_options) : options(parser_options), head_scan(options) {}

  std::string_view rest() const { return std::string_view(input).substr(used); }

  Step next();
  Step read_head();
  Step read_fixed_body();
  Step read_chunked_body();
  Step finish_request();
  Step fail(ParseError why);
  Step fail_in_library();
  void begin_request();
  void take_head();
  bool parse_head();
  bool execute(std::string_view bytes);

  // The library's callbacks.
  static State& of(http_parser* parser) { return *static_cast<State*>(parser->data); }
  static int on_url(http_parser* parser, const char* at, size_t length);
  static int on_header_field(http_parser* parser, const char* at, size_t length);
  static int on_header_value(http_parser* parser, const char* at, size_t length);
  static int on_headers_complete(http_parser* parser);
  static int on_body(http_parser* parser, const char* at, size_t length);
  static int on_message_complete(http_parser* parser);
  static const http_parser_settings kCallbacks;

  const Options options;
  Phase phase = Phase::kHead;
  std::string input;  // what was fed, from `used` on not looked at by the library
  size_t used = 0;
  std::optional<HeadScan> head_scan;  // always there; optional, so that it can be made anew
  std::optional<ChunkScan> chunk_scan;
  uint64_t body_bytes_left = 0;  // of a fixed body
  http_parser library{};

  // The request at hand; `request` looks into the others.
  std::string head;
  std::string body;
  std::vector<Header> headers;
  Request request;
  bool delivered = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool headers_complete = false;
  bool message_complete = false;
  ParseError error;
};

const http_parser_settings RequestParser::State::kCallbacks = {
    .on_message_begin = nullptr,
    .on_url = on_url,
    .on_status = nullptr,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
    .on_chunk_header = nullptr,
    .on_chunk_complete = nullptr,
};

int RequestParser::State::on_url(http_parser* parser, const char* at, size_t length) {
  of(parser).request.target = {at, length};
  return 0;
}

// The head is given to the library in one piece, so each name and each value comes in one piece,
// too.
int RequestParser::State::on_header_field(http_parser* parser, const char* at, size_t length) {
  State& state = of(parser);
  if (!state.headers_complete) state.headers.push_back({{at, length}, {}});
  return 0;
}

int RequestParser::State::on_header_value(http_parser* parser, const char* at, size_t length) {
  State& state = of(parser);
  if (!state.headers_complete) state.headers.back().value = trimmed({at, length});
  return 0;
}

int RequestParser::State::on_headers_complete(http_parser* parser) {
  State& state = of(parser);
  state.headers_complete = true;
  state.keep_alive =
      http_should_keep_alive(parser) != 0 && (parser->flags & F_CONNECTION_CLOSE) == 0;
  const bool chunked = (parser->flags & F_CHUNKED) != 0;
  const bool has_length = (parser->flags & F_CONTENTLENGTH) != 0;
  const HeadScan& scan = *state.head_scan;
  const bool agreed = chunked == scan.chunked() &&
                      has_length == scan.content_length().has_value() &&
                      (!has_length || parser->content_length == *scan.content_length()) &&
                      parser->http_major == 1 && parser->http_minor == (scan.http_1_1() ? 1 : 0) &&
                      state.headers.size() == scan.header_count();
  return agreed ? 0 : -1;
}

int RequestParser::State::on_body(http_parser* parser, const char* at, size_t length) {
  of(parser).body.append(at, length);
  return 0;
}

int RequestParser::State::on_message_complete(http_parser* parser) {
  of(parser).message_complete = true;
  return 0;
}

bool RequestParser::State::execute(std::string_view bytes) {
  const size_t parsed = http_parser_execute(&library, &kCallbacks, bytes.data(), bytes.size());
  return parsed == bytes.size() && HTTP_PARSER_ERRNO(&library) == HPE_OK;
}

RequestParser::Step RequestParser::State::fail(ParseError why) {
  phase = Phase::kFailed;
  error = why;
  input = {};
  used = 0;
  return Step::kError;
}

RequestParser::Step RequestParser::State::fail_in_library() {
  if (HTTP_PARSER_ERRNO(&library) == HPE_INVALID_METHOD) return fail({501, "an unknown method"});
  return fail({400, "not an HTTP request"});
}

void RequestParser::State::begin_request() {
  delivered = false;
  head_scan.emplace(options);
  request = {};
  headers.clear();
  head.clear();
  body.clear();
  if (!rest().empty()) return;
  // An idle connection keeps no buffers.
  input = {};
  used = 0;
  head = {};
  body = {};
  headers = {};
}

RequestParser::Step RequestParser::State::next() {
  if (delivered) begin_request();
  switch (phase) {
    case Phase::kHead:
      return read_head();
    case Phase::kFixedBody:
      return read_fixed_body();
    case Phase::kChunkedBody:
      return read_chunked_body();
    case Phase::kFailed:
      break;
  }
  return Step::kError;
}

RequestParser::Step RequestParser::State::read_head() {
  switch (head_scan->scan(rest())) {
    case HeadScan::Verdict::kNeedMore:
      return Step::kNeedMore;
    case HeadScan::Verdict::kError:
      return fail(head_scan->error());
    case HeadScan::Verdict::kComplete:
      break;
  }
  take_head();
  if (!parse_head()) return fail_in_library();
  expects_continue = head_scan->expects_continue();
  if (head_scan->chunked()) {
    phase = Phase::kChunkedBody;
    chunk_scan.emplace(options);
    return read_chunked_body();
  }
  body_bytes_left = head_scan->content_length().value_or(0);
  phase = Phase::kFixedBody;
  return read_fixed_body();
}

void RequestParser::State::take_head() {
  // Mostly nothing else has come: no body, and no further request.
  if (head_scan->size() == input.size()) {
    head.swap(input);
    input.clear();
    return;
  }
  head.assign(rest().substr(0, head_scan->size()));
  used += head.size();
}

bool RequestParser::State::parse_head() {
  headers_complete = message_complete = false;
  headers.reserve(head_scan->header_count());
  http_parser_init(&library, HTTP_REQUEST);
  library.data = this;
  if (!execute(head) || !headers_complete) return false;
  const std::optional<Target> target = parse_target(request.target);
  if (!target) return false;
  const std::string_view line =
      std::string_view(head).substr(head.starts_with('\r') ? 2 : 0);  // the forgiven empty line
  request.method = line.substr(0, line.find(' '));
  request.path = target->path;
  request.query = target->query;
  request.http_1_1 = head_scan->http_1_1();
  request.upgrade = request.http_1_1 && library.upgrade != 0;
  request.headers = headers;
  return true;
}

RequestParser::Step RequestParser::State::read_fixed_body() {
  if (body_bytes_left > 0) {
    const std::string_view bytes =
        rest().substr(0, static_cast<size_t>(std::min<uint64_t>(body_bytes_left, rest().size())));
    if (bytes.empty()) return Step::kNeedMore;
    if (!execute(bytes)) return fail_in_library();
    used += bytes.size();
    body_bytes_left -= bytes.size();
    if (body_bytes_left > 0) return Step::kNeedMore;
  }
  return finish_request();
}

RequestParser::Step RequestParser::State::read_chunked_body() {
  size_t passed = 0;
  const ChunkScan::Verdict verdict = chunk_scan->scan(rest(), passed);
  if (passed > 0 && !execute(rest().substr(0, passed))) return fail_in_library();
  used += passed;
  switch (verdict) {
    case ChunkScan::Verdict::kNeedMore:
      return Step::kNeedMore;
    case ChunkScan::Verdict::kError:
      return fail(chunk_scan->error());
    case ChunkScan::Verdict::kComplete:
      break;
  }
  return finish_request();
}

RequestParser::Step RequestParser::State::finish_request() {
  if (!message_complete) return fail({400, "a body whose end is not clear"});
  phase = Phase::kHead;
  request.body = body;
  delivered = true;
  expects_continue = false;
  return Step::kRequest;
}

RequestParser::RequestParser(const Options& options) : state_(std::make_unique<State>(options)) {
  lift_library_limit();
}

RequestParser::~RequestParser() = default;

void RequestParser::feed(std::string_view bytes) {
  State& state = *state_;
  if (state.phase == State::Phase::kFailed) return;
  state.input.erase(0, state.used);
  state.used = 0;
  state.input.append(bytes);
}

RequestParser::Step RequestParser::next() {
  return state_->next();
}

const Request& RequestParser::request() const {
  MILLRACE_DEBUG_ASSERT(state_->delivered);
  return state_->request;
}

const ParseError& RequestParser::error() const {
  return state_->error;
}
bool RequestParser::keep_alive() const {
  return state_->keep_alive;
}

bool RequestParser::in_head() const {
  return state_->phase == State::Phase::kHead && !state_->rest().empty();
}

bool RequestParser::in_body() const {
  return state_->phase == State::Phase::kFixedBody || state_->phase == State::Phase::kChunkedBody;
}

bool RequestParser::take_expect_continue() {
  const bool waits = state_->expects_continue && in_body() && state_->body.empty();
  state_->expects_continue = false;
  return waits;
}

size_t RequestParser::unread_bytes() const {
  return state_->rest().size();
}

std::string RequestParser::take_unread() {
  std::string unread(state_->rest());
  state_->input = {};
  state_->used = 0;
  return unread;
}

}  // namespace millrace::http
