// The command line.
#pragma once

namespace quorate {

// Runs the subcommand that the arguments name. Returns the process's exit code: 0, 2 for a mistake in the
// configuration, 1 for any other failure. Every failure is a sentence on standard error.
int run_command_line(int argc, char** argv);

}  // namespace quorate
