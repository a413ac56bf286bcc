// What lets one process at a time host the witness of --witness-lock.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/folder_lock.hpp"

namespace quorate {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::temp_directory_path() / ("quorate-lock-" + std::to_string(::getpid()));

struct Folder {
  Folder() { std::filesystem::remove_all(kFolder); }
  ~Folder() { std::filesystem::remove_all(kFolder); }
};

bool is_free() {
  const auto taken = FolderLock::try_take(kFolder, "node n2");
  REQUIRE(taken);
  return *taken != nullptr;
}

}  // namespace

TEST_CASE("one holds the lock at a time, and its file says who") {
  const Folder folder;
  auto held = FolderLock::try_take(kFolder, "node n1");
  REQUIRE(held);
  REQUIRE(*held != nullptr);
  CHECK_FALSE(is_free());
  std::string holder;
  std::getline(std::ifstream(kFolder / "lock"), holder);
  CHECK(holder == "node n1");
  held->reset();
  CHECK(is_free());
}

TEST_CASE("a process that dies leaves the lock to others") {
  const Folder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = FolderLock::try_take(kFolder, "child");
    const char yes = held && *held != nullptr ? 'y' : 'n';
    if (::write(ready[1], &yes, 1) != 1) ::_exit(1);
    ::pause();
  }
  char answer = 'n';
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK_FALSE(is_free());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(is_free());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a folder that cannot be is an error, not a lock") {
  const auto refused = FolderLock::try_take("/proc/quorate", "node n1");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::io_error);
  CHECK(refused.error().message.starts_with("cannot lock /proc/quorate/lock: "));
}

}  // namespace quorate
