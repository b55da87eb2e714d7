# frozen_string_literal: true

module Kino
  # Threads of the app's own in a process that others are forked from: only the one that forks goes on in a child.
  #
  # @api private
  module LostThreads
    # What Ruby's Timeout marks its thread by. It starts another where there is none.
    DETACHED = :"\0__detached_thread__"
    private_constant :DETACHED

    # @param since [String] when they were started, for people
    # @param cure [String] what is to be done about it
    # @return [String, nil] what there is to say of them; nil where there are none
    def self.warning(since, cure)
      others = (Thread.list - [Thread.current]).select { |thread| lost?(thread) }
      return if others.empty?

      names = others.map { |thread| thread.name || thread.to_s[/ (\S+:\d+)/, 1] || thread.inspect }
      "the app has started #{names.size} thread#{"s" if names.size > 1} #{since} (#{names.join(", ")}), which " \
        "no process has that is forked from it; #{cure}"
    end

    # As Puma has it, a library may mark one whose loss does nothing: Active Record's does.
    def self.lost?(thread)
      thread.alive? && [:fork_safe, DETACHED].none? { |name| thread.thread_variable_get(name) }
    end
    private_class_method :lost?
  end

  private_constant :LostThreads
end
