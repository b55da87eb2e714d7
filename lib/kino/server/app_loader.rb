# frozen_string_literal: true

require "rack"
require_relative "../errors"
require_relative "../rack/description"

module Kino
  # Loads the Rack app a `config.ru` builds.
  #
  # @api private
  class AppLoader
    # Backtrace lines an error shows: where it was raised, then the nearest of the app's own.
    SHOWN_LINES = 5
    # The shortest app there is.
    EXAMPLE = 'run ->(env) { [200, {}, ["hello"]] }'
    private_constant :SHOWN_LINES, :EXAMPLE

    # @param path [String] the file, as the user named it
    # @param environment [String] what the app is to find in `RACK_ENV`; `RAILS_ENV` and `APP_ENV` are left alone, as
    #   Puma does: Rails and Sinatra read `RACK_ENV` where theirs isn't set
    # @return [#call] the app
    # @raise [AppLoadError] when the file is missing, raises, or builds something that can't be called
    def self.load(path, environment)
      ENV["RACK_ENV"] = environment
      new(path).load
    end

    # @param path [String] the file, as the user named it
    def initialize(path)
      @path = path
      @full_path = File.expand_path(path)
    end

    # @return [#call] the app
    # @raise [AppLoadError]
    def load
      refuse_missing
      app = build
      return app if callable?(app)

      raise AppLoadError, "#{@path}: run was given #{Description.text { app.inspect }[0, 80]} " \
                          "(#{Kernel.instance_method(:class).bind_call(app)}), which doesn't respond to call; write " \
                          "run MyApp, or #{EXAMPLE}"
    end

    private

    # A BasicObject need not know.
    def callable?(app)
      app.respond_to?(:call)
    rescue NoMethodError
      false
    end

    def refuse_missing
      return if File.file?(@full_path)

      fault = File.exist?(@full_path) ? "is not a file" : "no such file in #{File.dirname(@full_path)}"
      raise AppLoadError, "#{@path}: #{fault}; start kino in the app's folder, name the file (kino PATH/config.ru), " \
                          "or write one: #{EXAMPLE}"
    end

    # An app may fail by other means than StandardError: a missing library, a syntax error, endless recursion.
    def build
      Rack::Builder.parse_file(@full_path)
    rescue StandardError, ScriptError, SystemStackError => error
      raise AppLoadError, explain(error)
    end

    def explain(error)
      message, *more = error.message.lines(chomp: true)
      hints = error.detailed_message(highlight: false).lines(chomp: true).grep(/\ADid you mean/)
      ["#{@path} could not be loaded: #{error.class}: #{message}", *(more | hints).map { |line| "    #{line}" },
       *places(error).map { |line| "  #{line}" }].join("\n")
    end

    # Frames of gems and of Ruby itself rarely tell what to mend, but the first frame does tell what failed. A syntax
    # error names its place itself.
    def places(error)
      return [] if error.is_a?(SyntaxError)

      frames = error.backtrace.to_a
      folder = "#{Dir.pwd}/"
      own = frames.select { |frame| frame.start_with?(folder, "#{File.dirname(@full_path)}/") }
      [frames.first, *own].compact.uniq.first(SHOWN_LINES).map { |frame| frame.delete_prefix(folder) }
    end
  end

  private_constant :AppLoader
end
