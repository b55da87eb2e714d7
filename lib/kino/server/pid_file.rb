# frozen_string_literal: true

require_relative "../errors"

module Kino
  # The file that has the process's id, for what stops it by that.
  #
  # @api private
  module PidFile
    # Writes it, and removes it at the process's end. Called by who listens already, so what a server that is gone has
    # left is overwritten, and the file of one that lives is not.
    #
    # @param path [String, nil] nil for none
    # @return [void]
    # @raise [ConfigurationError] when it can't be written
    def self.keep(path)
      return if path.nil?

      full = File.expand_path(path) # the app may change folder
      pid = Process.pid
      File.write(full, "#{pid}\n")
      at_exit { remove(full, pid) }
    rescue SystemCallError => error
      raise ConfigurationError, "pidfile: #{path} can't be written (#{error.message[/\A[^@]+/].strip}); write the " \
                                "path of a file in a folder that exists, or leave pidfile out"
    end

    # Unless it is another's: a child of fork has its parent's at_exit, and another server may have taken its place.
    def self.remove(path, pid)
      File.delete(path) if Process.pid == pid && File.read(path).to_i == pid
    rescue SystemCallError
      nil # it is gone, or can't be removed: nobody is left to do anything about it
    end
    private_class_method :remove
  end

  private_constant :PidFile
end
