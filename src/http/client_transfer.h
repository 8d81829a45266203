// One outgoing request in libcurl's hands, and what has come of its answer.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/client.h"

namespace millrace::http {

class Transfer {
 public:
  // Errors: the request makes no sense.
  static base::Result<std::unique_ptr<Transfer>> create(const ClientOptions& options,
                                                        ClientRequest request);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() const { return handle_; }

  // What the request came to, once libcurl says that it has ended with `code`.
  base::Result<ClientResponse> result(CURLcode code);

 private:
  explicit Transfer(ClientRequest request);
  bool set_up(const ClientOptions& options);
  template <class Value>
  bool set(CURLoption option, Value value);
  bool add_headers();

  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_header(char* data, size_t size, size_t count, void* self);

  const ClientRequest request_;
  CURL* handle_;
  curl_slist* headers_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::string body_;
  size_t head_bytes_ = 0;
  bool too_large_ = false;
};

}  // namespace millrace::http
