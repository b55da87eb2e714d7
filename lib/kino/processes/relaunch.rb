# frozen_string_literal: true

require_relative "../errors"
require_relative "given_wire"
require_relative "relay"
require_relative "wire"

module Kino
  # The command that this process was started with, to be started once more: from the files as they are on the disk by
  # then, with the sockets that this one listens on.
  #
  # @api private
  module Relaunch
    VARIABLE = GivenWire::VARIABLE
    # `rails server` refuses to start while its file of that name is another process's.
    PIDFILE = "PIDFILE"
    # Where it finds the file that has this one's number, and is to have its own.
    KEPT = "KINO_PIDFILE"
    # What a service manager has told this process alone: its sockets are handed on as those of any server are, and only
    # another server is to tell it anything.
    OURS = %w[LISTEN_FDS LISTEN_PID LISTEN_FDNAMES WATCHDOG_PID].freeze
    MANAGER = %w[NOTIFY_SOCKET WATCHDOG_USEC].freeze
    private_constant :VARIABLE, :PIDFILE, :OURS, :MANAGER

    # What it is given.
    #
    # @!attribute [r] kind
    #   @return [Symbol] what it is to be: `:mold` or `:server`
    # @!attribute [r] wire
    #   @return [Wire] to who has started it
    # @!attribute [r] addresses
    #   @return [Array<String>] what `bind` said when these were opened
    # @!attribute [r] listeners
    #   @return [Native::Listeners]
    # @!attribute [r] scoreboard
    #   @return [Native::Scoreboard, nil]
    Given = Data.define(:kind, :wire, :addresses, :listeners, :scoreboard) do
      # @return [Boolean] whether it is to boot the app for others
      def mold? = kind == :mold
    end

    class << self
      # @return [Array<String>] what `bind` said when this process's sockets were opened
      attr_writer :addresses

      # Notes what rackup does with this process, see {RackupProcess}: whoever is started is to do without.
      #
      # @param named [String, nil] the pid file that it writes, absolute; nil where it writes none
      # @param kept [String, nil] the one that is to have the number of whoever serves in the end
      # @param without [Array<String>] words by which it sends a process to the background: another server is there
      #   already, and a mold is not to leave its parent
      # @return [void]
      def rackup(named:, kept:, without:)
        @named, @kept, @without = named, kept, without
      end

      # Notes how this process was started: to be called before it takes another title or goes to another folder.
      #
      # @return [void]
      def remember
        @command ||= begun_by
        @environment ||= read("environ")&.grep(/=/n)&.to_h { |pair| pair.split("=", 2) } || ENV.to_h
        @folder ||= begun_in
        @origin ||= Dir.pwd
      rescue SystemCallError
        @origin = "/" # the folder is gone
      end

      # @return [String] the folder that this was, whatever a link says by now
      attr_reader :origin

      # @return [String] the program that is this Ruby
      def ruby
        @ruby ||= begin
          require "rbconfig"
          RbConfig.ruby
        end
      end

      # @return [String] where this process was started: a link that a deploy moves on, if it was started there
      def folder = @folder ||= begun_in

      # Starts it. Of this one's descriptors it has an end of the wire alone; the others come by that, so that no
      # program has them that it starts before it takes them.
      #
      # @param kind [Symbol] what it is to be, see {Given}
      # @param listeners [Native::Listeners]
      # @param scoreboard [Native::Scoreboard, nil]
      # @param folder [String] where
      # @return [Array(Wire, Integer)] a wire to it, and its process id
      # @raise [SystemCallError] when it can't be started
      def start(kind, listeners, scoreboard = nil, folder: self.folder)
        ours, theirs = Wire.pair
        handed_on = [*scoreboard&.fileno, *listeners.handed_on]
        given = [kind, theirs.to_io.fileno, scoreboard&.fileno || "-", encoded, *listeners.describe].join(" ")
        pidfile = File.join(temporary, "kino-#{Process.pid}-#{rand(1_000_000)}.pid")
        options = { chdir: folder, unsetenv_others: true, theirs.to_io => theirs.to_io }
        command = [environment(kind, given, pidfile), *words(pidfile), options]
        pid = kind == :mold ? spawn_tied(command, theirs) : Process.spawn(*command)
        handed_on.each { |number| ours.tell("descriptor", descriptor: IO.for_fd(number, autoclose: false)) }
        [ours, pid]
      rescue SystemCallError
        ours&.close
        raise
      ensure
        theirs&.close
      end

      # @return [Hash{Symbol => Object}] what a program has to know that this process goes on as, for {resume}; it is to
      #   be run with {environment_of_start}
      def state
        { ruby: ruby, command: @command, folder: folder, origin: origin, temporary: temporary, addresses: @addresses,
          named: @named, kept: @kept, without: @without }
      end

      # @return [Hash{String => String}] what this process was started with
      def environment_of_start = @environment.except(VARIABLE)

      # Goes on with what another program has noted, which was this process.
      #
      # @param state [Hash{Symbol => Object}] its {state}
      # @return [void]
      def resume(state)
        state.each { |name, value| instance_variable_set(:"@#{name}", value) }
        remember
      end

      # @return [Boolean] whether rackup has sent this process to the background
      def background? = @without.to_a.any?

      # What this process was given, if it was started so. Those that it starts are not.
      #
      # @return [Given, nil]
      # @raise [BindError] when who has started it is gone
      def take
        text = ENV.delete(VARIABLE) or return
        kind, wire, scoreboard, addresses, *listeners = text.split
        socket = UNIXSocket.for_fd(wire.to_i)
        socket.close_on_exec = true # what the app starts is not to keep it
        wire = Wire.new(socket)
        scoreboard = Native::Scoreboard.open(next_descriptor(wire)) unless scoreboard == "-"
        listeners = listeners.map { |word| renumbered(word, wire) }.join(" ")
        Given.new(kind.to_sym, wire, addresses.unpack1("m0").force_encoding(Encoding::UTF_8).split("\n"),
                  Native::Listeners.inherit(listeners, false), (scoreboard if kind == "mold"))
      end

      private

      # A listener's description, with the numbers that its descriptors have here: they come in that order.
      def renumbered(word, wire)
        numbers, uri = word.split("=", 2)
        "#{numbers.gsub(/\d+/) { next_descriptor(wire) }}=#{uri}"
      end

      # Whoever asks for its number has it from then on.
      def next_descriptor(wire)
        wire.wait or raise BindError, "can't take over what another server listens on: that has ended"
        descriptor = wire.take_descriptor
        descriptor.autoclose = false
        descriptor.fileno
      end

      # Starts one that gets KILL when this process ends, from its first moment on: what it reads and loads before it
      # knows what it is for may take for ever. A server that is to take this one's place may outlive it.
      def spawn_tied(command, wire)
        parent = Process.pid
        fork do
          Native.die_with("KILL")
          exec(*command) if Process.ppid == parent
          exit!(1)
        rescue SystemCallError => error
          wire.tell("failed", error.message)
          exit!(1)
        end
      end

      # What this process was started by. `bundle exec` loads a program of Ruby's into its own process, and makes that
      # the process's title: its own words are gone by then.
      def begun_by
        words, bundle = read("cmdline"), ENV.fetch("BUNDLE_BIN_PATH", nil)
        program = [$PROGRAM_NAME, *ARGV]
        return words || [ruby, *program] unless bundle && words&.one?

        title = words.first.strip
        [ruby, bundle, "exec", *(title == program.join(" ") ? program : title.split)]
      end

      # As the system has it, where it tells that: with all that Ruby itself was told, and without what Bundler has set
      # since, so that a Gemfile is read anew.
      def read(what)
        words = File.binread("/proc/self/#{what}").split("\0")
        words unless words.empty?
      rescue SystemCallError
        nil
      end

      # A link that a deploy moves on to the next release is followed again.
      def begun_in
        link = ENV.fetch("PWD", nil)
        link && File.identical?(link, Dir.pwd) ? link : Dir.pwd
      rescue SystemCallError
        "/"
      end

      # In one word, which is there in any case.
      def encoded = ["#{@addresses.to_a.join("\n")}\n"].pack("m0")

      def environment(kind, given, pidfile)
        left_out = kind == :mold ? OURS + MANAGER : OURS
        heir_of = kind == :server ? Process.pid.to_s : nil
        own = { VARIABLE => given, PIDFILE => pidfile, KEPT => @kept, Relay::HEIR_OF => heir_of }
        @environment.except(*left_out).merge(own)
      end

      # As this process was started, but for what rackup is not to do again, and for its pid file.
      def words(pidfile)
        @command.filter_map do |word|
          next if @without&.include?(word)

          flag, path = word.match(/\A(-P|--\w+=)?(.+)\z/m)&.captures
          named?(path) ? "#{flag}#{pidfile}" : word
        end
      end

      def named?(path)
        @named && path && File.expand_path(path, folder).b == @named.b
      rescue ArgumentError
        false # such as ~nobody
      end

      # There may be none that can be written to, which matters to nobody but `rails server`.
      def temporary
        @temporary ||= begin
          require "tmpdir"
          Dir.tmpdir
        end
      rescue ArgumentError
        "/tmp"
      end
    end
  end

  private_constant :Relaunch
end
