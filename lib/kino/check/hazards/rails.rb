# frozen_string_literal: true

require_relative "../output/describe"
require_relative "../output/report"
require_relative "../parser/source"
require_relative "../../server/database_pool"

module Kino
  module Check
    # What a check knows of Rails, without loading any of it.
    #
    # @api private
    class Rails
      # Of a version that knows of ractors.
      EXPERIMENT = "; `mode :ractor` shares it (ractorize!), which is an experiment: doc/rails.md"
      # Environments in which classes are to be loaded as they are needed, and anew.
      LAZY = %w[development test].freeze
      private_constant :EXPERIMENT, :LAZY

      # @return [Rails, nil] of the Rails application of this process; nil where there is none
      def self.here
        application = defined?(::Rails.application) && ::Rails.application
        new(application) if application
      end

      # @param application [::Rails::Application]
      def initialize(application)
        @application = application
        @config = application.config
      end

      # @return [Finding] the short answer to whether it runs in ractors
      def finding
        Finding.new(kind: :rails, path: "app", type: @application.class.name, value: "Rails #{::Rails.version}",
                    why: "Rails keeps its configuration, routes, caches and connections in objects and variables of " \
                         "classes that other ractors may not touch", where: nil,
                    cure: "serve it with `mode :threaded`, which is what `:auto` does#{EXPERIMENT if shares_itself?}")
      end

      # @param threads [Integer] requests that run at once
      # @return [Array<Hazard>] what in its configuration doesn't go with threads
      def hazards(threads) = [eager_load, reloading, pool(threads), logger].compact

      private

      def shares_itself? = @application.respond_to?(:ractorize!)

      def eager_load
        return if @config.eager_load || LAZY.include?(::Rails.env)

        hazard(:eager_load, "config.eager_load = #{@config.eager_load.inspect}",
               "classes are loaded while requests run, and those wait for each other meanwhile",
               "`config.eager_load = true`")
      end

      def reloading
        return if @config.cache_classes || LAZY.include?(::Rails.env)

        hazard(:reloading, "config.enable_reloading = true",
               "a request that finds changed files waits until no other runs, and holds up all that come",
               "`config.enable_reloading = false`, once called `config.cache_classes = true`")
      end

      def pool(threads)
        pool = DatabasePool.here
        return if pool.nil? || pool.size >= threads

        code = "#{pool.word}: #{pool.size}"
        line = place(/\b#{code}\b/, "config/database.yml") || place(/^\s*#{pool.word}:/, "config/database.yml")
        Hazard.new(kind: :database_pool, where: line, code: code,
                   why: "#{threads} requests run at once (workers x threads): #{threads - pool.size} of them wait " \
                        "for a connection#{" to #{pool.name}" if pool.name}, or fail after #{pool.timeout} s",
                   cure: "`#{pool.word}: #{threads}`, or fewer threads")
      end

      def logger
        log = ::Rails.logger
        return if log.nil? || thread_safe?(log)

        hazard(:logger, "config.logger = #{Describe.type(log)}.new",
               "it is no Logger, so nothing tells that threads may share it",
               "`config.logger = ActiveSupport::Logger.new($stdout)`, or check that its methods take a lock")
      end

      # Ruby's own takes a lock for each line; Rails' broadcast is as safe as what it sends to.
      def thread_safe?(log)
        return log.broadcasts.all? { |one| thread_safe?(one) } if log.respond_to?(:broadcasts)

        (defined?(::Logger) && ::Logger === log) || log.class.name.start_with?("SemanticLogger")
      end

      def hazard(kind, code, why, cure)
        word = code[/\Aconfig\.\w+/]
        Hazard.new(kind: kind, where: place(/^\s*#{Regexp.escape(word)}\b/, "config/environments/#{::Rails.env}.rb"),
                   code: code, why: why, cure: cure)
      end

      def place(pattern, path)
        full = File.join(@application.root.to_s, path)
        line = File.file?(full) && File.foreach(full).with_index(1).find { |text, _| text.match?(pattern) }&.last
        Files.place(full, line) if line
      end
    end
  end
end
