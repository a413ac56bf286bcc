#include <exception>
#include <iostream>

#include "engines/registry.hpp"
#include "server/cli.hpp"

int main(int argc, char** argv) {
  try {
    quorate::prepare_engines();
    return quorate::run_command_line(argc, argv);
  } catch (const std::exception& exception) {
    std::cerr << "quorate: " << exception.what() << std::endl;
    return 1;
  }
}
