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
      check(path) or return

      full = File.expand_path(path) # the app may change folder
      pid = Process.pid
      write(full, "#{pid}\n")
      at_exit { remove(full, pid) }
    rescue SystemCallError => error
      raise unwritable(path, error)
    end

    # Looks at it before anything is done that the server which it belongs to would notice, and before there are clients
    # who would be lost.
    #
    # @param path [String, nil] nil for none
    # @return [Boolean] whether there is one
    # @raise (see .keep)
    def self.check(path)
      return false if path.nil?

      full = File.expand_path(path)
      refuse(path, full, [Process.pid, Process.ppid])
      try(full)
      true
    rescue SystemCallError => error
      raise unwritable(path, error)
    end

    # Whether it can be written, as far as that can be known before.
    def self.try(path)
      return File.open(path, File::WRONLY | File::NONBLOCK) { nil } if File.exist?(path)

      folder = File.dirname(path)
      raise Errno::ENOENT unless File.directory?(folder)
      raise Errno::EACCES unless File.writable?(folder)
    end

    # Over what stands there, which needs no room on a disk that has none: another server's number is never lost for
    # nothing.
    def self.write(path, text)
      File.open(path, File::WRONLY | File::CREAT) do |file|
        file.syswrite(text)
        file.truncate(text.bytesize) if file.stat.file?
      end
    end

    def self.unwritable(path, error)
      ConfigurationError.new("pidfile: #{path} can't be written (#{error.message[/\A[^@]+/].strip}); write the path " \
                             "of a file in a folder that exists, or leave pidfile out")
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
    private_class_method :try, :write, :unwritable, :refuse, :kino?, :remove
  end

  private_constant :PidFile
end
