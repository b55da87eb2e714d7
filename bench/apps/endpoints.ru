# frozen_string_literal: true

# What bench/compare asks of each Ruby server: /plaintext, /10k, /cpu (fib 15), /io (a wait of 5 ms),
# /asset (a file of 100 KB), /file (64 MiB).

require "tempfile"

def fib(number)
  number < 2 ? number : fib(number - 1) + fib(number - 2)
end

plain = { "content-type" => "text/plain" }.freeze
missing = ["no such endpoint\n"].freeze
hello = ["Hello, World!"].freeze
large = ["0123456789" * 1024].freeze
files = { "/asset" => 100_000, "/file" => 64 * 1024 * 1024 }.transform_values do |size|
  Tempfile.create("bench").tap { |temporary| temporary.write("0" * size) && temporary.flush }.path
end
at_exit { files.each_value { |path| File.unlink(path) if File.exist?(path) } }

run(lambda do |env|
  case env["PATH_INFO"]
  when "/plaintext" then [200, plain.dup, hello]
  when "/10k" then [200, plain.dup, large]
  when "/cpu" then [200, plain.dup, [fib(15).to_s]]
  when "/io"
    sleep 0.005
    [200, plain.dup, hello]
  when "/asset", "/file" then [200, plain.dup, File.open(files[env["PATH_INFO"]], "rb")]
  else [404, plain.dup, missing]
  end
end)
