#include "bench/stream_requests.h"

#include <iterator>
#include <protozero/pbf_writer.hpp>

#include "base/json_text.h"

namespace millrace::bench {
namespace {

std::string post(const Url& url, std::string_view path, bool protobuf, std::string_view body) {
  std::string request("POST ");
  request.append(path).append(url.query).append(" HTTP/1.1\r\nHost: ").append(url.authority);
  request += "\r\nContent-Type: application/";
  request += protobuf ? "octet-stream" : "json";
  request += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return request.append(body);
}

std::string session_json(const SessionName& session) {
  std::string text = R"({"session":)";
  base::append_json_string(text, session.session);
  text += R"(,"node":)";
  base::append_json_string(text, session.node);
  return text;
}

}  // namespace

Carriage carriage_of(const Options& options) {
  switch (options.transport) {
    case TransportKind::kWebSocket:
      return Carriage::kFrames;
    case TransportKind::kHttpStream:
      return options.protobuf ? Carriage::kDelimited : Carriage::kLines;
    case TransportKind::kUniHttpStream:
      return Carriage::kLines;
    case TransportKind::kSse:
    case TransportKind::kUniSse:
      return Carriage::kEvents;
    case TransportKind::kLongPoll:
      return Carriage::kAnswers;
  }
  return Carriage::kFrames;
}

std::string opening_request(const Url& url, const Options& options, std::string_view body) {
  const std::string path = url.beside(name_of(options.transport)).value_or("");
  return post(url, path, options.protobuf, body);
}

// An EmulationRequest.
std::string pong_request(const Url& url, const Options& options, const SessionName& session) {
  constexpr std::string_view kPath = "/emulation";
  std::string body;
  if (options.protobuf) {
    protozero::pbf_writer writer(body);
    writer.add_string(1, session.node);
    writer.add_string(2, session.session);
    writer.add_bytes(3, std::string(1, '\0'));
  } else {
    body = session_json(session) + R"(,"data":"{}"})";
  }
  return post(url, kPath, options.protobuf, body);
}

std::string poll_request(const Url& url, const SessionName& session, uint32_t received) {
  const std::string body = session_json(session) + ",\"ack\":" + std::to_string(received) + "}";
  return post(url, url.beside("long_poll/poll").value_or(""), false, body);
}

}  // namespace millrace::bench
