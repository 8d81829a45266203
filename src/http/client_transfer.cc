#include "http/client_transfer.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace millrace::http {
namespace {

bool is_https(std::string_view url) {
  return url.starts_with("https://");
}

// What would end a header, and begin another one.
bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool valid_header(const std::pair<std::string, std::string>& header) {
  const auto& [name, value] = header;
  return !name.empty() && name.find_first_of(": \t") == std::string::npos && !breaks_line(name) &&
         !breaks_line(value);
}

// Why a request makes no sense, or null.
const char* mistake_of(const ClientRequest& request) {
  if (!request.url.starts_with("http://") && !is_https(request.url))
    return "not an http:// or https:// URL";
  if (breaks_line(request.url)) return "a URL with control characters";
  if (!std::ranges::all_of(request.headers, valid_header)) return "a malformed header";
  if (request.timeout.count() <= 0) return "no time for an answer";
  return nullptr;
}

base::ErrorCode code_of(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return base::ErrorCode::kInvalid;
    default:
      return base::ErrorCode::kUnavailable;
  }
}

}  // namespace

base::Result<std::unique_ptr<Transfer>> Transfer::create(const ClientOptions& options,
                                                         ClientRequest request) {
  if (const char* const mistake = mistake_of(request); mistake != nullptr)
    return base::fail(base::ErrorCode::kInvalid, mistake);
  std::unique_ptr<Transfer> transfer(new Transfer(std::move(request)));
  if (!transfer->set_up(options))
    return base::fail(base::ErrorCode::kUnavailable, "no memory for a request");
  return transfer;
}

Transfer::Transfer(ClientRequest request)
    : request_(std::move(request)), handle_(curl_easy_init()) {}

Transfer::~Transfer() {
  curl_easy_cleanup(handle_);
  curl_slist_free_all(headers_);
}

template <class Value>
bool Transfer::set(CURLoption option, Value value) {
  return curl_easy_setopt(handle_, option, value) == CURLE_OK;
}

bool Transfer::set_up(const ClientOptions& options) {
  if (handle_ == nullptr) return false;
  const bool get = request_.method == ClientMethod::kGet;
  // Where a POST is sent on, HTTP leaves open whether it stays one: the caller sees the answer.
  bool good = set(CURLOPT_FOLLOWLOCATION, get ? 1L : 0L) &&
              set(CURLOPT_MAXREDIRS, Client::kRedirectsMax) &&
              set(CURLOPT_PROTOCOLS_STR, "http,https") &&
              set(CURLOPT_REDIR_PROTOCOLS_STR, is_https(request_.url) ? "https" : "http,https");
  good = good && set(CURLOPT_URL, request_.url.c_str()) &&
         set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count())) &&
         set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) &&
         set(CURLOPT_USERAGENT, options.user_agent.c_str()) && set(CURLOPT_PROXY, "") &&
         set(CURLOPT_SSL_VERIFYPEER, 1L) && set(CURLOPT_SSL_VERIFYHOST, 2L) &&
         set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.body_bytes_max));
  if (!options.certificate_file.empty())
    good = good && set(CURLOPT_CAINFO, options.certificate_file.c_str());
  // No signals; and no waiting for a name's look-up that is not wanted any more.
  good = good && set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_QUICK_EXIT, 1L);
  good = good && set(CURLOPT_ERRORBUFFER, error_.data()) &&
         set(CURLOPT_WRITEFUNCTION, &Transfer::on_body) && set(CURLOPT_WRITEDATA, this) &&
         set(CURLOPT_HEADERFUNCTION, &Transfer::on_header) && set(CURLOPT_HEADERDATA, this);
  if (!get) {
    good = good && set(CURLOPT_POST, 1L) &&
           set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size())) &&
           set(CURLOPT_POSTFIELDS, request_.body.data());
  }
  return good && add_headers();
}

bool Transfer::add_headers() {
  // A large body is not announced first, which would cost a round trip.
  std::vector<std::string> lines = {"Expect:"};
  // "X;" is how libcurl is told of a header without a value.
  for (const auto& [name, value] : request_.headers)
    lines.push_back(value.empty() ? name + ";" : name + ": " + value);
  for (const std::string& line : lines) {
    curl_slist* const longer = curl_slist_append(headers_, line.c_str());
    if (longer == nullptr) return false;
    headers_ = longer;
  }
  return set(CURLOPT_HTTPHEADER, headers_);
}

base::Result<ClientResponse> Transfer::result(CURLcode code) {
  if (too_large_ || code == CURLE_FILESIZE_EXCEEDED)
    return base::fail(base::ErrorCode::kTooLarge, "the answer is too large");
  if (code != CURLE_OK)
    return base::fail(code_of(code), error_[0] != '\0' ? error_.data() : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  return ClientResponse{.status = static_cast<int>(status), .body = std::move(body_)};
}

// Taking fewer bytes than there are is how libcurl is told to give up.
size_t Transfer::on_body(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const size_t bytes = size * count;
  if (bytes > transfer.request_.body_bytes_max - transfer.body_.size()) {
    transfer.too_large_ = true;
    return 0;
  }
  transfer.body_.append(data, bytes);
  return bytes;
}

size_t Transfer::on_header(char*, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const size_t bytes = size * count;
  transfer.head_bytes_ += bytes;
  if (transfer.head_bytes_ > Client::kHeadBytesMax) {
    transfer.too_large_ = true;
    return 0;
  }
  return bytes;
}

}  // namespace millrace::http
