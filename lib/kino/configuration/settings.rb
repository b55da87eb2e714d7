# frozen_string_literal: true

require "tmpdir"

module Kino
  class Configuration
    # Every setting there is, in the order `kino --init` explains them.
    #
    # @api private
    module Settings
      # The most that `max_connections` is where nobody sets it.
      MOST_CONNECTIONS = 10_240

      # A tenth of the open-file limit is left to the app: its database, its files.
      #
      # @param open_files [Integer] the open-file limit
      # @return [Integer] the default of `max_connections`
      def self.connections_for(open_files = Process.getrlimit(:NOFILE).first)
        (open_files / 10 * 9).clamp(16, MOST_CONNECTIONS)
      end

      # @return [String] the system's temporary folder; where none can be written to, the one that should be: only
      #   long bodies need it, so it is no reason not to start
      def self.temporary_folder
        -Dir.tmpdir
      rescue ArgumentError
        -File.expand_path(ENV.fetch("TMPDIR", "/tmp"))
      end

      # How many of something there may be.
      COUNT = Kinds::Whole.new(1..1_000_000)
      # How many of something one connection may have at a time.
      PER_CONNECTION = Kinds::Whole.new(1..100_000)
      # How long something may take; a day at most.
      PATIENCE = Kinds::Seconds.new(0.1..86_400)
      # What is called in each worker.
      WORKER_HOOK = Kinds::Hook.new('{ |worker| warn "worker #{worker}" }')
      # What lets go of what a process has open.
      LETTING_GO = Kinds::Hook.new("{ CACHE.disconnect }")
      # A file's path.
      FILE = Kinds::Text.new("FILE", "the path of a file", /\A[^\0]+\z/)
      private_constant :COUNT, :PER_CONNECTION, :PATIENCE, :WORKER_HOOK, :LETTING_GO, :FILE

      require_relative "settings/listening"
      require_relative "settings/running"
      require_relative "settings/processes"
      require_relative "settings/app"
      require_relative "settings/bounds"
      require_relative "settings/deadlines"
      require_relative "settings/control"

      # What the settings are about, and the settings.
      SECTIONS = {
        "Where Kino listens" => LISTENING,
        "How requests are run" => RUNNING,
        "Processes" => PROCESSES,
        "The app" => APP,
        "Logs" => LOGS,
        "Bounds on a request" => REQUEST_BOUNDS,
        "Bounds on load" => LOAD_BOUNDS,
        "HTTP/2" => HTTP2,
        "Deadlines, in seconds" => DEADLINES,
        "How it is, and what it is to do" => CONTROL
      }.freeze

      # Every setting by name, shorthands included.
      TABLE = SECTIONS.values.flatten.to_h { |setting| [setting.name, setting] }.freeze
      # The settings a {Configuration} has: all but the shorthands.
      KEPT = TABLE.values.reject(&:shorthand?).freeze

      # @param name [#to_sym] what was written
      # @param source [Source] where
      # @return [Setting]
      # @raise [ConfigurationError] when there is none of that name; with the nearest that there is
      def self.fetch(name, source)
        TABLE.fetch(name.to_sym) do
          near = Nearest.to(name, TABLE.keys)
          cure = near ? "did you mean #{near}?" : "the settings are #{TABLE.keys.join(", ")}"
          raise ConfigurationError, "#{source.label(name)}: there is no such setting; #{cure}"
        end
      end
    end
  end
end
