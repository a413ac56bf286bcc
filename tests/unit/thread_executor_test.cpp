#include "core/thread_executor.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

namespace quorate {
namespace {

using Sharing = ThreadExecutor::Sharing;
constexpr std::chrono::seconds kPatience{20};

// The thread that runs a task posted now.
std::thread::id runner_of(ThreadExecutor& executor) {
  std::promise<std::thread::id> ran;
  executor.post([&] { ran.set_value(std::this_thread::get_id()); });
  return ran.get_future().get();
}

// Until its thread sleeps: only then it is idle, and borrows.
void wait_until_idle(ThreadExecutor& executor) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::thread::id runner;
  while (runner != std::this_thread::get_id() && std::chrono::steady_clock::now() < deadline) {
    std::promise<void> ran;
    {
      const ThreadLoan loan;
      executor.post([&] {
        runner = std::this_thread::get_id();
        ran.set_value();
      });
    }
    ran.get_future().wait();
  }
  REQUIRE(runner == std::this_thread::get_id());
}

TEST_CASE("an idle executor runs its tasks on a thread that lends itself, when the loan ends and in order") {
  ThreadExecutor executor("borrower", 1, Sharing::borrows);
  wait_until_idle(executor);
  std::vector<int> ran;
  {
    const ThreadLoan loan;
    executor.post([&] {
      ran.push_back(1);
      executor.post([&] { ran.push_back(3); });
    });
    executor.post([&] { ran.push_back(2); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(ran.empty());
  }
  CHECK(ran == std::vector{1, 2, 3});
  CHECK(runner_of(executor) != std::this_thread::get_id());
}

TEST_CASE("an executor that borrows no threads is not run by others") {
  ThreadExecutor executor("alone");
  const std::thread::id own = runner_of(executor);
  for (int i = 0; i < 20; ++i) {
    const ThreadLoan loan;
    CHECK(runner_of(executor) == own);
  }
}

TEST_CASE("what runs on a loan lends nothing: two nodes of a process write their logs side by side") {
  ThreadExecutor first("first", 1, Sharing::borrows);
  ThreadExecutor second("second", 1, Sharing::borrows);
  wait_until_idle(first);
  wait_until_idle(second);
  std::promise<std::thread::id> ran;
  {
    const ThreadLoan loan;
    first.post([&] { second.post([&] { ran.set_value(std::this_thread::get_id()); }); });
  }
  CHECK(ran.get_future().get() != std::this_thread::get_id());
}

TEST_CASE("a lender is wanted back by its own tasks: the rest of the borrower's runs on its own thread") {
  ThreadExecutor lender("lender", 1, Sharing::lends);
  ThreadExecutor borrower("borrower", 1, Sharing::borrows);
  wait_until_idle(borrower);
  const std::thread::id lenders = runner_of(lender);
  std::promise<std::thread::id> own_task;
  std::promise<std::thread::id> first;
  std::promise<std::thread::id> last;
  lender.post([&] {
    borrower.post([&] {
      first.set_value(std::this_thread::get_id());
      lender.post([&] { own_task.set_value(std::this_thread::get_id()); });
      borrower.post([&] { last.set_value(std::this_thread::get_id()); });
    });
  });
  CHECK(first.get_future().get() == lenders);
  CHECK(own_task.get_future().get() == lenders);
  CHECK(last.get_future().get() != lenders);
}

TEST_CASE("a timer that is set or due during a loan fires after it") {
  ThreadExecutor executor("borrower", 1, Sharing::borrows);
  std::promise<void> early;
  std::promise<void> set_on_loan;
  wait_until_idle(executor);
  executor.post_at(executor.now_us() + 10'000, [&] { early.set_value(); });
  wait_until_idle(executor);
  {
    const ThreadLoan loan;
    executor.post([&] {
      executor.post_at(executor.now_us() + 1'000, [&] { set_on_loan.set_value(); });
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    });
  }
  CHECK(early.get_future().wait_for(kPatience) == std::future_status::ready);
  CHECK(set_on_loan.get_future().wait_for(kPatience) == std::future_status::ready);
}

TEST_CASE("stop waits for a task on loan, and drops the rest") {
  ThreadExecutor executor("borrower", 1, Sharing::borrows);
  wait_until_idle(executor);
  std::promise<void> begun;
  std::atomic<bool> finished = false;
  std::atomic<bool> dropped_ran = false;
  std::thread lending([&] {
    const ThreadLoan loan;
    executor.post([&] {
      begun.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      finished = true;
    });
    executor.post([&] { dropped_ran = true; });
  });
  begun.get_future().wait();
  executor.stop();
  CHECK(finished);
  CHECK_FALSE(dropped_ran);
  lending.join();
}

TEST_CASE("tasks run one at a time and each once, whoever lends") {
  constexpr int kThreads = 4;
  constexpr int kTasks = 5'000;
  ThreadExecutor executor("borrower", 1, Sharing::borrows);
  ThreadExecutor lender("lender", 1, Sharing::lends);
  int count = 0;  // a data race, for who looks for one, if two tasks ran at once
  std::promise<void> all;
  const auto task = [&] {
    if (++count == kThreads * kTasks) all.set_value();
  };
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number] {
      for (int i = 0; i < kTasks; ++i) {
        if (number == 0) {
          lender.post([&] { executor.post(task); });
        } else if (number == 1) {
          executor.post_at(executor.now_us(), task);
        } else {
          const ThreadLoan loan;
          executor.post(task);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(all.get_future().wait_for(kPatience) == std::future_status::ready);
  std::promise<int> seen;
  executor.post([&] { seen.set_value(count); });
  CHECK(seen.get_future().get() == kThreads * kTasks);
}

}  // namespace
}  // namespace quorate
