# frozen_string_literal: true

require_relative "problem"

module Bench
  # Descriptors for thousands of connections at once, on the clients' side and on the server's, which inherits the
  # limit.
  module OpenFiles
    # What a process has open besides its connections, a server's spool files among it.
    SPARE = 2_000

    # @param connections [Integer] at once
    # @raise [Problem] when so many files can't be open
    def self.allow(connections)
      wanted = connections + SPARE
      soft, hard = Process.getrlimit(:NOFILE)
      Process.setrlimit(:NOFILE, wanted, [hard, wanted].max) if soft < wanted
    rescue Errno::EPERM
      raise Problem, "#{connections} connections need #{wanted} open files and `ulimit -Hn` is #{hard}: raise it " \
                     "(limits.conf, LimitNOFILE), or choose less with --only and the other options; see --help"
    end
  end
end
