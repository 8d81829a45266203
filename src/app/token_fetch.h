// Key sets of tokens, fetched over HTTP.
#pragma once

#include "auth/auth.h"
#include "http/http.h"

namespace millrace::app {

// `client` must outlive what is made. Fails on any status but 200.
auth::Fetch fetch_with(http::Client& client);

}  // namespace millrace::app
