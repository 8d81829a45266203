#include "app/publish_command.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_text.h"
#include "base/result.h"
#include "http/http.h"
#include "metrics/metrics.h"
#include "net/net.h"
#include "protocol/protocol.h"

namespace millrace::app {
namespace {

constexpr size_t kDataBytesMax = 16UL * 1024 * 1024;  // more than servers take
constexpr size_t kShownMax = 300;

base::Result<std::string> read_all(std::FILE* input) {
  std::string text;
  std::array<char, 65'536> block{};
  while (const size_t count = std::fread(block.data(), 1, block.size(), input)) {
    text.append(block.data(), count);
    if (text.size() > kDataBytesMax)
      return base::fail(base::ErrorCode::kTooLarge, "standard input has more than 16 MiB");
  }
  if (std::ferror(input) != 0)
    return base::fail(base::ErrorCode::kIo, "standard input cannot be read");
  return text;
}

// Where a server with this configuration is reached from its own machine.
base::Result<std::string> server_of(const config::Config& config) {
  net::Address address{
      .host = config.http_server.address, .port = config.http_server.port, .unix_path = {}};
  if (address.port == 0) {
    return base::fail(base::ErrorCode::kInvalid,
                      "the configured server listens on any port: say which with --server");
  }
  if (address.host.empty() || address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return (config.http_server.tls.enabled ? "https://" : "http://") + address.to_string();
}

base::Result<http::ClientRequest> request_of(const config::Invocation& invocation,
                                             std::string_view data) {
  const config::PublishArguments& arguments = invocation.publish;
  base::Result<std::string> server =
      arguments.server.empty() ? server_of(invocation.config) : arguments.server;
  if (!server) return base::fail(server);
  while (server->ends_with('/')) server->pop_back();
  http::ClientRequest request;
  request.method = http::ClientMethod::kPost;
  request.url = *server + invocation.config.http_api.handler_prefix + "/publish";
  // An error then shows in the status.
  request.headers = {{"Content-Type", "application/json"},
                     {"X-Centrifugo-Error-Mode", "transport"}};
  const std::string& key =
      arguments.api_key.empty() ? invocation.config.http_api.key : arguments.api_key;
  if (!key.empty()) request.headers.emplace_back("X-API-Key", key);
  request.body = R"({"channel":)";
  base::append_json_string(request.body, arguments.channel);
  request.body.append(R"(,"data":)").append(data).push_back('}');
  return request;
}

base::Result<http::ClientResponse> send(http::ClientRequest request) {
  metrics::Core metrics;
  base::Result<std::unique_ptr<net::Loop>> loop = net::Loop::create({}, metrics);
  if (!loop) return base::fail(loop);
  base::Result<http::ClientResponse> response;
  http::Client client(**loop, {});
  client.send(std::move(request), [&](base::Result<http::ClientResponse> answer) {
    response = std::move(answer);
    (*loop)->stop();
  });
  (*loop)->run();
  return response;
}

// What a server says, for a terminal: its beginning, without control characters.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, kShownMax));
  std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return out;
}

CommandResult result_of(const http::ClientResponse& response, const std::string& url) {
  constexpr std::string_view kHead = R"({"result":)";
  const std::string_view body = response.body;
  if (response.status == 200 && body.starts_with(kHead) && body.ends_with('}'))
    return {.output =
                std::string(body.substr(kHead.size(), body.size() - kHead.size() - 1)) + "\n"};
  if (response.status == 401)
    return failure("the server wants another key: --api-key, or http_api.key");
  const std::string said = shown(body);
  return failure(url + " answers " + std::to_string(response.status) +
                 (said.empty() ? "" : ": " + said));
}

}  // namespace

CommandResult publish(const config::Invocation& invocation, std::FILE* input) {
  base::Result<std::string> data = invocation.publish.data;
  if (*data == "-") data = read_all(input);
  if (!data) return failure(data.error().message);
  if (!protocol::valid_json(*data)) {
    return failure(R"(the data is not JSON (a text stands in quotes: '"hello"'))", kExitMisuse);
  }
  base::Result<http::ClientRequest> request = request_of(invocation, *data);
  if (!request) return failure(request.error().message, kExitMisuse);
  const std::string url = request->url;
  const base::Result<http::ClientResponse> response = send(*std::move(request));
  if (!response) return failure(url + ": " + response.error().message);
  return result_of(*response, url);
}

}  // namespace millrace::app
