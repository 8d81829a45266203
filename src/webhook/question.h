// What the backend is asked, as JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "hub/hub.h"

namespace millrace::webhook {

// {"client", "transport", "protocol", "encoding", "name", "version", "data" or "b64data",
// "channels"}; what is empty is left out. kInvalid: the client's data is not JSON, and is to be
// sent as such.
base::Result<std::string> connect_question(std::string_view client, const hub::Visitor& visitor,
                                           bool binary_encoding);

}  // namespace millrace::webhook
