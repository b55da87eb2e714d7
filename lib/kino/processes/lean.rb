# frozen_string_literal: true

require "rbconfig"
require_relative "../server/signals"
require_relative "parent"
require_relative "plain"
require_relative "relaunch"
require_relative "staying"
require_relative "terms"

module Kino
  # Has the parent go on as a program of its own in the same process, once it has read the settings, listens, and has
  # forked the mold: without Bundler, RubyGems and whatever kino.rb has loaded, which it has no use for, and which is
  # most of its memory. Its children stay its children.
  #
  # ```
  #   kino --fork--> mold, which has all of that, and boots the app
  #     \--exec--> lean_program.rb: the parent
  # ```
  #
  # @api private
  class Lean
    # What it runs.
    PROGRAM = "#{__dir__}/lean_program.rb".freeze
    # Bytes that a pipe takes without anybody who reads, in any case.
    ROOM = 16_384
    # The extension, by its file.
    EXTENSION = %r{/kino\.#{Regexp.escape(RbConfig::CONFIG.fetch("DLEXT"))}\z}
    # What it hears, and what else kino.rb may have a handler for.
    TRAPPED = (Parent::HEARD + %w[WINCH ALRM CONT TSTP]).freeze
    private_constant :PROGRAM, :ROOM, :EXTENSION, :TRAPPED

    # Whether nothing would be lost by it: what kino.rb has made that is no value, such as a logger, or threads. Its
    # handlers of signals are looked at later.
    #
    # @param configuration [Configuration]
    # @param out [IO] see {Parent#initialize}
    # @param err [IO] see there
    # @return [Boolean]
    def self.possible?(configuration, out: $stdout, err: $stderr, **)
      has_own_streams = [out, $stdout].all?(STDOUT) && [err, $stderr].all?(STDERR)
      is_alone = Thread.list == [Thread.main] && Ractor.count == 1
      is_alone && has_own_streams && configuration.preload && configuration.logger.nil?
    end

    # @param configuration [Configuration]
    # @param manager [ServiceManager]
    # @param given [Relaunch::Given, nil] what another server, whose place this one takes, has left to it
    # @param notices [Array<String>] what else is to be said at start
    def initialize(configuration, manager:, given: nil, notices: nil, **)
      @terms = Terms.of(configuration)
      @manager = manager
      @given = given
      @notices = notices.to_a
    end

    # Forks a mold, which waits for a word, and goes on. Comes back where that can't be.
    #
    # @param spawner [Forker]
    # @return [Child, nil] the mold, where one was forked
    # @raise [SystemCallError] when there is no process to be had
    def go_on(spawner)
      site = spawner.site
      return unless site.scoreboard.fileno && (extension = $LOADED_FEATURES.grep(EXTENSION).first)

      leaving_signals do |former|
        next if former.except(*Signals::FIRM).any? { |_, handler| handler.is_a?(Proc) }

        mold = spawner.mold(waits: true)
        become({ extension: extension, **state(site, mold) })
        mold
      end
    end

    private

    def state(site, mold)
      { terms: @terms.dump, listeners: site.listeners.to_s, scoreboard: site.scoreboard.fileno,
        mold: [number(mold.wire), mold.pid], given: number(@given&.wire), descriptors: descriptors(site, mold),
        manager: @manager.environment, notices: @notices, stays: Staying.wanted?, relaunch: Relaunch.state }
    end

    def descriptors(site, mold)
      [*site.listeners.handed_on, site.scoreboard.fileno, number(mold.wire), *number(@given&.wire)]
    end

    def number(wire) = wire&.to_io&.fileno

    # To the system: one that Ruby has noted would be lost with it, and be the mold's, too. Yields who has them.
    def leaving_signals
      former = TRAPPED.to_h { |name| [name, trap(name, "SYSTEM_DEFAULT")] }
      former.each { |name, handler| trap(name, handler) if handler == "IGNORE" } # by nohup
      yield former
    ensure
      former.each { |name, handler| trap(name, handler || "DEFAULT") }
    end

    def become(state)
      text = Marshal.dump(Plain.of(state))
      return if text.bytesize > ROOM

      reader, writer = IO.pipe(binmode: true)
      writer << text
      writer.close
      exec(Relaunch.environment_of_start, Relaunch.ruby, "--disable=all", PROGRAM, reader.fileno.to_s,
           unsetenv_others: true, **[reader.fileno, *state[:descriptors]].to_h { |number| [number, number] })
    rescue SystemCallError
      state[:descriptors].each { |number| IO.for_fd(number, autoclose: false).close_on_exec = true }
      reader&.close
    end
  end

  private_constant :Lean
end
