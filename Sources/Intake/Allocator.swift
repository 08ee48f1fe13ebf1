import CMalloc

/// The C library's allocator.
package enum Allocator {
  /// Has freed memory go back to the system at once, large pieces always. Left to itself, glibc takes
  /// pieces of up to 32 MiB into its heap once one of that size was freed, and what lies above a piece
  /// in use stays (mallopt(3), "dynamic mmap threshold"): reading a log of 3 GB took 186 MiB so, and
  /// 176 with this.
  package static func returnsWhatIsFreed() {
    mallopt(M_TRIM_THRESHOLD, 128 << 10)
  }
}
