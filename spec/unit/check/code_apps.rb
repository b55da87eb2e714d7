# frozen_string_literal: true

# Apps that can be shared, and whose code fails in a ractor all the same.
module CodeApps
  module Constants
    TABLE = {} # in reach
    NAMES = [+"a"].freeze
    FINE = %w[a b].map(&:freeze).freeze
    UNUSED = []

    module Deep
      LIST = []
    end

    def self.call(_env)
      TABLE["a"] = 1
      [NAMES, FINE, Deep::LIST, helper]
    end

    def self.helper = Other::SET

    def self.never_called = UNUSED
  end

  module Other
    SET = Set.new
  end

  class Variables
    INHERITED = []
    @table = {}
    @name = "fine"
    @count = 0
    @memo = nil
    @ready = "ready"
    @unused = []
    @@hits = 0

    class << self
      attr_reader :rows
      attr_accessor :limit

      def call(_env)
        @table.fetch(1) { @name }
        @memo ||= 1
        @ready ||= 2
        @count += 1
        rows
        self.limit = 3
        new.hit
      end

      def boot = @unused
    end

    @rows = []

    def hit = @@hits += 1
  end

  class Globals
    def call(_env)
      $stdout.fileno
      $stderr.fileno
      [$$, $~, $code_apps_global]
    end
  end

  class Blocks
    define_method(:call) { |_env| [200, {}, []] }
  end

  class Requires
    def call(_env)
      require "English"
      [200, {}, []]
    end
  end

  # Has its constant from its superclass, and overrides what it does.
  class Heir < Variables
    def self.call(_env) = INHERITED
  end

  class Base
    def call(_env) = $code_apps_base
    def self.call(env) = new.call(env)
  end

  # Does what its superclass does.
  class Faithful < Base
    def call(env) = super
  end

  # A class that is made for each request, by another that is the app.
  class Fresh
    CACHE = {}

    def self.call(env) = new(env).respond

    def initialize(env) = @env = env

    def respond = [200, {}, [CACHE, self.class.superclass, Unloaded::CONSTANT]]
  end

  autoload :Unloaded, "code_apps_that_is_not_there"

  LIST = []
  LAMBDA = -> { LIST }
end
