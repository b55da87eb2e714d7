# frozen_string_literal: true

require_relative "../errors"

module Kino
  # The file that has the process's id, for what stops it by that.
  #
  # @api private
  module PidFile
    # Tries to lock it, and seconds between two: nobody has it locked for longer than it takes to write a number, unless
    # it is no server.
    TRIES = 100
    PAUSE = 0.01
    # Bytes of it that are read.
    MOST = 32
    private_constant :TRIES, :PAUSE, :MOST

    # Writes it, and removes it at the process's end. What a server that is gone has left is overwritten. Of two that
    # would at the same time, one does.
    #
    # @param path [String, nil] nil for none
    # @return [void]
    # @raise [ConfigurationError] when it can't be written, or is that of a server that runs
    def self.keep(path)
      check(path) or return

      full = File.expand_path(path) # the app may change folder
      pid = Process.pid
      locked(full) do |file|
        refuse(path, file.read(MOST).to_i, [pid, Process.ppid])
        write(file, full, pid)
      end
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
      try(full)
      refuse(path, File.file?(full) ? File.read(full, MOST).to_i : 0, [Process.pid, Process.ppid])
      true
    rescue SystemCallError => error
      raise unwritable(path, error)
    end

    # Whether it can be written, as far as that can be known before.
    def self.try(path)
      return File.open(path, File::WRONLY | File::NONBLOCK) { nil } if File.exist?(path)

      folder = File.dirname(path)
      raise Errno::ENOENT unless File.exist?(folder)
      raise Errno::ENOTDIR unless File.directory?(folder)
      raise Errno::EACCES unless File.writable?(folder)
    end

    def self.unwritable(path, error)
      ConfigurationError.new("pidfile: #{path} can't be written (#{error.message[/\A[^@]+/].strip}); write the path " \
                             "of a file in a folder that exists, or leave pidfile out")
    end

    # That of the server whose place this one takes is its parent's. Numbers are used again, so only a Kino is believed
    # to have written its own.
    def self.refuse(path, other, own)
      return if !other.positive? || own.include?(other) || !kino?(other)

      raise ConfigurationError, "pidfile: #{path} is that of process #{other}, which runs; stop it (kino stop), " \
                                "or name another file"
    end

    # Yields it while no other server looks at it or changes it.
    def self.locked(full)
      loop do
        File.open(full, File::RDWR | File::CREAT) do |file|
          lock(file)
          return yield file if there?(file, full)
        end
      end
    end

    # A file system may know no locks, and whoever holds one for long is no server.
    def self.lock(file)
      TRIES.times do
        return if file.flock(File::LOCK_EX | File::LOCK_NB)

        sleep PAUSE
      end
    rescue SystemCallError
      nil
    end

    # Whoever had it locked may have removed it.
    def self.there?(file, full)
      File.identical?(file, full)
    end

    # Over what stands there, which needs no room on a disk that has none: what another server has left isn't lost for
    # nothing. Where nothing stood there, there is no file afterwards rather than an empty one.
    def self.write(file, full, pid)
      file.rewind
      length = file.syswrite("#{pid}\n")
      file.truncate(length) if file.stat.file?
    rescue SystemCallError
      File.delete(full) unless file.stat.size.positive?
      raise
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
      return unless Process.pid == pid && File.exist?(path)

      locked(path) { |file| File.delete(path) if file.read(MOST).to_i == pid }
    rescue SystemCallError
      nil # it is gone, or can't be removed: nobody is left to do anything about it
    end
    private_class_method :try, :unwritable, :refuse, :locked, :lock, :there?, :write, :kino?, :remove
  end

  private_constant :PidFile
end
