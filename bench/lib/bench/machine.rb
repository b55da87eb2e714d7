# frozen_string_literal: true

require "etc"
require_relative "problem"

module Bench
  # What the numbers were measured on, as far as it explains them; nothing that names the machine.
  module Machine
    module_function

    # @return [Hash{String => String}] for servers that run on this Ruby with the checkout's bundle
    def facts
      { **hardware, "Ruby" => ruby, "Rust" => first_line("rustc", "--version"), "wrk" => wrk, "Kino" => kino,
        **gems }.compact
    end

    # @param interpreter [Interpreter]
    # @return [Hash{String => String}] for servers that run on it
    def facts_of(interpreter)
      { **hardware, "Ruby" => interpreter.to_s, "wrk" => wrk, "Kino" => kino, "Puma" => interpreter.puma_version,
        "Rack" => interpreter.rack_version }.compact
    end

    # @return [Hash{String => String}] for bench/tls
    def facts_of_tls
      { **facts.except("Rails"), "h2load" => first_line("h2load", "--version")&.slice(/\d[\d.]+/),
        "nginx" => Tls::Nginx.version, "OpenSSL" => OpenSSL::OPENSSL_LIBRARY_VERSION[/\d[\d.]+/] }.compact
    end

    # @return [Array(Integer, Integer)] the time the hypervisor gave to others, and all time, in clock ticks
    def stolen
      ticks = File.foreach("/proc/stat").first.split.drop(1).map(&:to_i)
      [ticks[7].to_i, ticks.first(8).sum]
    end

    # @yield the run
    # @return [String] how much of the machine's time the run did not get
    def stolen_meanwhile
      before = stolen
      yield
      part, all = stolen.zip(before).map { |after, then_| after - then_ }
      format("%.1f%% of the machine's time was stolen by its host meanwhile.", 100.0 * part / all)
    end

    def hardware
      { "CPU" => "#{cpu}, #{Etc.nprocessors} cores", "Linux" => Etc.uname[:release][/\A[\d.]+/] }
    end

    def wrk
      first_line("wrk", "-v")&.slice(/\d[\d.]+/)
    end

    def cpu
      File.foreach("/proc/cpuinfo").find { |line| line.start_with?("model name") }&.split(": ", 2)&.last&.strip ||
        Etc.uname[:machine]
    end

    # Asked of the Ruby that serves, with the environment it serves in.
    def ruby
      first_line(RbConfig.ruby, "-e", "puts RUBY_VERSION + (defined?(RubyVM::YJIT) && " \
                                      "RubyVM::YJIT.enabled? ? ' with YJIT' : ' without YJIT')")
    end

    def kino
      file = File.join(ROOT, "lib/kino/version.rb")
      File.read(file)[/VERSION = "([^"]+)"/, 1] if File.exist?(file)
    end

    def gems
      listed = first_line({ "BUNDLE_GEMFILE" => File.join(ROOT, "Gemfile") }, "bundle", "exec", RbConfig.ruby, "-e",
                          "puts %w[puma rack rails].map { |name| Gem.loaded_specs[name]&.version }.join(' ')")
      %w[Puma Rack Rails].zip(listed.to_s.split).to_h
    end

    def first_line(*command)
      IO.popen(command, err: %i[child out], chdir: ROOT, &:gets)&.strip
    rescue Errno::ENOENT
      nil
    end
    private_class_method :stolen, :hardware, :wrk, :cpu, :ruby, :kino, :gems, :first_line
  end
end
