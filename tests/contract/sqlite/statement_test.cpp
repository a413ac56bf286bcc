#include "tests/contract/support.hpp"
