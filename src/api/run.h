// Carrying calls out: the hub is asked, and its answer becomes the JSON text of a result.
//
// Cores      The hub's. `done` runs there, exactly once, maybe before the function returns.
// Lifetime   `parts` outlives every `done`.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/api.h"
#include "api/calls.h"

namespace millrace::api {

using Outcome = std::expected<std::string, Failure>;  // a result's JSON text
using Done = std::move_only_function<void(Outcome)>;

// run_publish.cc
void run(const Parts& parts, Publish call, Done done);
void run(const Parts& parts, Broadcast call, Done done);
// run_orders.cc
void run(const Parts& parts, hub::Order call, Done done);
void run(const Parts& parts, hub::Ban call, Done done);
void run(const Parts& parts, Lift call, Done done);
// run_questions.cc
void run(const Parts& parts, Presence call, Done done);
void run(const Parts& parts, History call, Done done);
void run(const Parts& parts, HistoryRemove call, Done done);
void run(const Parts& parts, Channels call, Done done);
void run(const Parts& parts, Info call, Done done);

// Any of them, counted.
void run_command(const Parts& parts, Command command, Done done);

// All of them: side by side, or each when the one before it is done. The outcomes are in the
// order of the commands.
void run_all(const Parts& parts, std::vector<Command> commands, bool parallel,
             std::move_only_function<void(std::vector<Outcome>)> done);

// Why `body` is not the answer that was asked for: the hub's error.
std::unexpected<Failure> not_answered(const hub::AnswerBody& body);

}  // namespace millrace::api
