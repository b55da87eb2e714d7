# frozen_string_literal: true

require_relative "relaunch"

module Kino
  # What rackup, or `rails server`, does with this process besides: keep a pid file (`-P`), and send it to the
  # background (`-d`, `-D`). It knows nothing of processes that are forked from this one, and of another server that
  # takes this one's place: the file is to have the number of whoever serves, and be there as long as anybody does.
  #
  # @api private
  class RackupProcess
    # How a process is sent to the background: of `rails server`, and of `rackup`.
    DAEMON = { rails: %w[-d --daemon], rackup: %w[-D --daemonize] }.freeze
    # Programs that do nothing else than to run a server.
    PROGRAMS = %w[rackup rails].freeze
    private_constant :DAEMON, :PROGRAMS

    # Looks at what rackup was told, once it has done it.
    #
    # @return [RackupProcess]
    def self.look
      servers = defined?(::Rackup::Server) ? ObjectSpace.each_object(::Rackup::Server).to_a : []
      named = servers.filter_map { |server| server.options[:pid] }.first
      new(servers, named, ENV.delete(Relaunch::KEPT) || named)
    end

    # @param servers [Array<::Rackup::Server>] those that know of the file
    # @param named [String, nil] the file that rackup has written
    # @param kept [String, nil] the one that is to have the number of whoever serves
    def initialize(servers, named, kept)
      @servers = servers
      @pid = Process.pid
      @path = @named = named
      @kept = kept
    end

    # @return [Boolean] whether nobody has anything else to do in this process, after the server or beside it
    def whole? = @servers.any? && PROGRAMS.include?(File.basename($PROGRAM_NAME))

    # Has the file outlive what it has to outlive.
    #
    # @return [self]
    def prepare
      Relaunch.rackup(named: @named, kept: @kept, without: @servers.flat_map { |server| daemon_words(server) })
      at_exit { disown unless mine? } if @named # before rackup's own, which removes the file whoever's it is
      self
    end

    # Does what rackup would at the process's end, where that is there no more.
    #
    # @return [self]
    def replace_rackup
      at_exit { File.delete(@path) if mine? } if @named
      self
    end

    # This process serves: the file is its own, from now on.
    #
    # @return [void]
    def serves
      return if @named == @kept

      File.write(fresh = "#{@kept}.#{Process.pid}", Process.pid.to_s)
      File.rename(fresh, @kept) # nobody finds it empty
      tell_servers(@path = @kept)
      File.delete(@named)
    rescue SystemCallError => error
      warn "kino: warning: the pid file #{@kept} can't be written (#{error.message[/\A[^@]+/].strip}), so it has no " \
           "number now"
    end

    private

    def daemon_words(server)
      return [] unless server.options[:daemonize]

      DAEMON.fetch(defined?(::Rails::Server) && server.is_a?(::Rails::Server) ? :rails : :rackup)
    end

    # Whether this process may remove it: neither a child of fork, nor one whose place another server has taken.
    def mine?
      Process.pid == @pid && File.read(@path).to_i == @pid
    rescue SystemCallError
      false
    end

    def disown = tell_servers("#{@named}.#{Process.pid}")

    def tell_servers(path)
      @servers.each { |server| server.options = { **server.options, pid: path } if server.options[:pid] }
    end
  end

  private_constant :RackupProcess
end
