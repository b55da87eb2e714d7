# frozen_string_literal: true

require_relative "../version"

module Kino
  # What is said at the start: what runs, how, and where it listens.
  #
  # @api private
  class Announcement
    # @param configuration [Configuration]
    # @param voice [Voice]
    def initialize(configuration, voice)
      @configuration = configuration
      @voice = voice
    end

    # Says it.
    #
    # @param mode [Symbol] what workers really are
    # @param urls [Array<String>] where it listens
    # @param lines [Array<String>] what else there is to say
    # @param processes [Integer] how many serve
    # @return [void]
    def make(mode:, urls:, lines:, processes: 1)
      @voice.say "Kino #{VERSION} (#{RUBY_ENGINE} #{RUBY_VERSION}, #{workforce(mode, processes)}, " \
                 "#{@configuration.environment}), pid #{Process.pid}"
      [*@configuration.notes, *lines].each { |line| @voice.say line }
      urls.each { |url| @voice.say "Listening on #{url}" }
      @voice.say "Ctrl-C drains and stops"
    end

    private

    def workforce(mode, processes)
      settings = @configuration.with(mode: mode)
      threads = "#{settings.threads_in_words} thread#{"s" if settings.threads > 1}"
      one = "#{mode}: #{count(settings.workers, "worker")} x #{threads}"
      processes > 1 ? "#{processes} processes x #{one}" : one
    end

    def count(number, what) = "#{number} #{what}#{"s" if number > 1}"
  end

  private_constant :Announcement
end
