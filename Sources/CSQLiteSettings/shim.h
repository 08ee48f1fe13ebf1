#pragma once
#include <sqlite3.h>

// sqlite3_config() takes any number of arguments, as Swift cannot.
static inline int sqlite3_config_memstatus(int is_on) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, is_on);
}
