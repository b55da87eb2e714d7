# frozen_string_literal: true

require_relative "../errors"

module Kino
  # The file that has the process's id, for what stops it by that.
  #
  # @api private
  module PidFile
    # Writes it, and removes it at the process's end. What a server that is gone has left is overwritten.
    #
    # @param path [String, nil] nil for none
    # @return [void]
    # @raise [ConfigurationError] when it can't be written, or is that of a server that runs
    def self.keep(path)
      return if path.nil?

      full = File.expand_path(path) # the app may change folder
      pid = Process.pid
      refuse(path, full, [pid, Process.ppid])
      File.write(full, "#{pid}\n")
      at_exit { remove(full, pid) }
    rescue SystemCallError => error
      raise ConfigurationError, "pidfile: #{path} can't be written (#{error.message[/\A[^@]+/].strip}); write the " \
                                "path of a file in a folder that exists, or leave pidfile out"
    end

    # Looks at it before anything is done that the server which it belongs to would notice.
    #
    # @param path [String, nil] nil for none
    # @return [void]
    # @raise [ConfigurationError] when it is that of a server that runs
    def self.check(path)
      refuse(path, File.expand_path(path), [Process.pid, Process.ppid]) if path
    rescue SystemCallError
      nil # what can't be read is told by whoever writes it
    end

    # That of the server whose place this one takes is its parent's. Numbers are used again, so only a Kino is believed
    # to have written its own.
    def self.refuse(path, full, own)
      other = File.read(full).to_i
      return if !other.positive? || own.include?(other) || !kino?(other)

      raise ConfigurationError, "pidfile: #{path} is that of process #{other}, which runs; stop it (kino stop), " \
                                "or name another file"
    rescue Errno::ENOENT
      nil
    end

    def self.kino?(pid)
      Process.kill(0, pid)
      command = "/proc/#{pid}/cmdline"
      !File.exist?(command) || File.binread(command).include?("kino")
    rescue Errno::ESRCH, Errno::ENOENT
      false
    rescue SystemCallError # another user's
      true
    end

    # Unless it is another's: a child of fork has its parent's at_exit, and another server may have taken its place.
    def self.remove(path, pid)
      File.delete(path) if Process.pid == pid && File.read(path).to_i == pid
    rescue SystemCallError
      nil # it is gone, or can't be removed: nobody is left to do anything about it
    end
    private_class_method :refuse, :kino?, :remove
  end

  private_constant :PidFile
end
