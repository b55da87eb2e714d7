# frozen_string_literal: true

require_relative "../workers/ractors"
require_relative "database_pool"

module Kino
  # What a start has to say besides what runs and where: settings that do less than they seem to, and what would serve
  # the app better.
  #
  # @api private
  class Notices
    # Of an app that can be shared between ractors.
    COULD = "This app can be shared between ractors, which run in parallel: kino --check says whether it could run " \
            "in mode ractor"
    private_constant :COULD

    # @param app [#call] a Rack app
    # @param configuration [Configuration]
    # @param mode [Symbol] what workers really are, `:threaded` or `:ractor`
    def initialize(app, configuration, mode)
      @app = app
      @configuration = configuration
      @settings = configuration.with(mode: mode)
    end

    # @return [Array<String>] what is good to know
    def lines = [*(@settings.mode == :threaded ? threaded_lines : ractor_lines), *unread, *ignored, *unforked]

    # @return [Array<String>] what will fail under load; a Rails app's log has what is about its database, too
    def warnings = [pool, needless_tls].compact

    # All of it, for a process that tells another.
    #
    # @param mode [Mode] what was chosen, and why
    # @param more [Array<String>] other warnings
    # @return [Array<String>] each line, or warning, after a word that tells which
    def told(mode, *more)
      why = ["Mode auto: #{mode.name}, since #{mode.reason}"] if mode.reason
      all = [*why, *lines].map { |line| ["line", line] }
      all += [*warnings, *mode.warning, *more].map { |line| ["warning", line] }
      all.flatten
    end

    private

    # Rails' log is where its users look, and the only place where a server in the background is read. What they see
    # there isn't said twice.
    def pool
      warning = DatabasePool.here&.warning(threads)
      warning unless warning && railtie&.warn(warning)
    end

    # Where Rails came after Kino, as with `kino`, none is there yet. What Kino says may go there anyway.
    def railtie
      return if !defined?(::Rails::Railtie) || (@configuration.logger && @configuration.logger == ::Rails.logger)

      require_relative "../railtie"
      Railtie
    end

    def threaded_lines = [only_threads, could_run_in_ractors].compact

    def needless_tls
      return if @configuration.tls.empty? || @configuration.bind.any? { |address| address.start_with?("ssl:") }

      "tls does nothing here: no address begins with ssl://, such as bind \"ssl://0.0.0.0:443\""
    end

    # What is said of threads for the other mode.
    def ractor_lines
      extra = @settings.with(mode: :threaded, min_threads: 1).max_io_threads
      words = [("a least of threads" if @settings.said?(:min_threads)), ("max_io_threads" if extra.positive?)].compact
      return [] if words.empty?

      count = @settings.threads
      always = "#{count} thread#{"s" if count > 1}"
      ["#{words.join(" and ")}: nothing in mode ractor, where each worker always has #{always}"]
    end

    def threads = @settings.capacity

    def only_threads
      workers = @settings.workers
      return unless workers > 1

      count = workers * @settings.threads
      "#{workers} workers share one lock in mode threaded: they are #{count} threads, as -w 1 -t #{count} would be"
    end

    # A quick look, for those who have not chosen a mode, where ractors are worth it.
    def could_run_in_ractors
      return if @configuration.said?(:mode) || defined?(::Rails) || !Ractors.parallel?

      COULD if ::Ractor.shareable?(@app)
    end

    # Where each process boots an app of its own.
    def unforked
      return if @configuration.preload || @configuration.refork_after.none?

      "refork_after: nothing with preload false, where no process is forked from another"
    end

    def unread
      path = @configuration.remarks.unread
      "#{path} is not read (kino -C #{path} reads it, kino --from-puma makes a kino.rb of it)" if path
    end

    def ignored
      words = @configuration.remarks.ignored
      return [] if words.empty?

      ["Words of Puma's that do nothing here (kino --from-puma FILE writes a kino.rb without them):",
       *words.map { |word| "  #{word}" }]
    end
  end

  private_constant :Notices
end
