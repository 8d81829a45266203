// What the backend has answered: a decoder of bytes that come from outside.
#pragma once

#include <string_view>

#include "base/result.h"
#include "hub/hub.h"

namespace millrace::webhook {

//   answer     = {"result": grant | null, "error": error | null, "disconnect": disconnect | null}
//   grant      = {"user", "expire_at", "info", "b64info", "data", "b64data", "channels", "subs",
//                "meta"}, each of which may be left out (auth::read_grant)
//   error      = {"code": 1 to 4294967295, "message", "temporary"}
//   disconnect = {"code": 3000 to 4999, "reason": up to 123 bytes}
//
// Others' members are skipped. Where several of the three are there, a disconnect counts before an
// error, and that before a result: nobody gets in by mistake. None of them: hub::Unknown. kInvalid,
// with what is wrong but nothing of the text: it is something else.
base::Result<hub::Backend::Verdict> read_connect_answer(std::string_view json);

}  // namespace millrace::webhook
